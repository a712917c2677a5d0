"""``allowed_signers``, as ssh-keygen(1) reads it, and stricter where a key could speak for two."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from ordain.config.files import FileText, read_signers
from ordain.config.signers import parse_signers
from ordain.values.approval import Signer
from ordain.values.diagnostic import Diagnostic
from ordain.values.sshkeys import integer, string


def written(kind: str, *fields: bytes) -> str:
    return f"{kind} {base64.b64encode(string(kind.encode()) + b''.join(fields)).decode()}"


def rsa(bits: int, exponent: int = 65537) -> str:
    return written("ssh-rsa", integer(exponent), integer((1 << (bits - 1)) + 1))


KEY = written("ssh-ed25519", string(bytes(range(32))))
OTHER = written("ssh-ed25519", string(bytes(range(1, 33))))
TOUCH = written("sk-ssh-ed25519@openssh.com", string(bytes(range(32))), string(b"ssh:"))
CURVE = written("ecdsa-sha2-nistp384", string(b"nistp384"), string(b"\x04" + bytes(96)))
KINDS = {
    "ed25519": KEY,
    "ecdsa": CURVE,
    "rsa": rsa(2048),
    "touched": TOUCH,
    "touched ecdsa": written(
        "sk-ecdsa-sha2-nistp256@openssh.com", string(b"nistp256"), string(b"\x04" + bytes(64)), string(b"ssh:")
    ),
}


def read(text: str | bytes) -> tuple[tuple[Signer, ...], tuple[Diagnostic, ...]]:
    data = text.encode() if isinstance(text, str) else text
    return parse_signers(FileText(path="allowed_signers", data=data, size=len(data), mtime_ns=0, ctime_ns=0, inode=0))


@pytest.mark.parametrize("key", KINDS.values(), ids=KINDS)
def test_a_key_and_whose_it_is(key: str) -> None:
    assert read(f"alice@example.com {key} alice's \"laptop\n") == (
        (Signer(people=("alice@example.com",), key=key),),
        (),
    )


def test_comments_blank_lines_a_mark_at_the_start_and_line_ends_of_windows_mean_nothing() -> None:
    text = f'\ufeff# people\r\n\r\n \t# more\r\n  a@x.org,A@X.org,b@x.org\t {KEY}\r\n"c@x.org,d@x.org" {OTHER}'
    signers, diagnostics = read(text)
    assert diagnostics == ()
    assert [one.people for one in signers] == [("a@x.org", "b@x.org"), ("c@x.org", "d@x.org")]
    assert read("") == ((), ())


@pytest.mark.parametrize(
    ("written_as", "moment"),
    [
        ("20270301", "2027-03-01T00:00:00+00:00"),
        ("20270301Z", "2027-03-01T00:00:00+00:00"),
        ("202703011205Z", "2027-03-01T12:05:00+00:00"),
        ("20270301120559", "2027-03-01T12:05:59+00:00"),
    ],
)
def test_times_are_utc(written_as: str, moment: str) -> None:
    (after,), wrong = read(f'a@x.org valid-after="{written_as}" {KEY}')
    (before,), wrong_too = read(f'a@x.org NAMESPACES="ordain-*",Valid-Before="{written_as}" {KEY}')
    assert (after.after, after.before, before.after, before.before) == (moment, None, None, moment)
    assert wrong == wrong_too == ()


@pytest.mark.parametrize(
    ("namespaces", "counts"),
    [
        ("ordain-approval", True),
        ("git,ordain-approval", True),
        ("*", True),
        ("ordain-approva?", True),
        ("git", False),
        ("*,!ordain-*", False),
        ("!git", False),
        ("Ordain-Approval", False),
    ],
)
def test_a_key_for_something_else_is_passed_over(namespaces: str, counts: bool) -> None:
    signers, diagnostics = read(f'a@x.org namespaces="{namespaces}" {KEY}')
    assert (len(signers) == 1, diagnostics) == (counts, ())


def test_what_is_for_something_else_may_be_whatever_it_likes() -> None:
    assert read(f'*@x.org cert-authority,namespaces="git" {KEY}\nb@x.org namespaces="file" ssh-dss AAAA') == ((), ())


BAD = {
    "wildcard": (f"*@x.org {KEY}", "signer-pattern", 1),
    "wildcard in a list": (f"a@x.org,b?@x.org {KEY}", "signer-pattern", 9),
    "negated": (f'"a@x.org,!b@x.org" {KEY}', "signer-pattern", 10),
    "no address": (f"alice {KEY}", "signer-person", 1),
    "a path": (f"../../a@x.org {KEY}", "signer-person", 1),
    "what does not show": (f"a\u202eb@x.org {KEY}", "signer-person", 1),
    "empty": (f"a@x.org,, {KEY}", "signer-person", 9),
    "authority": (f"a@x.org cert-authority {KEY}", "signer-authority", 9),
    "certificate": ("a@x.org " + written("ssh-ed25519-cert-v01@openssh.com"), "signer-key", 9),
    "base64": (f"a@x.org {KEY[:-2]}", "signer-key", 9),
    "other base64": (f"a@x.org {KEY[:-1]}=", "signer-key", 9),
    "cut off": ("a@x.org ssh-ed25519 AAAAC3Nz", "signer-key", 9),
    "followed": ("a@x.org " + written("ssh-ed25519", string(bytes(32)), b"x"), "signer-key", 9),
    "length": ("a@x.org " + written("ssh-ed25519", string(bytes(31))), "signer-key", 9),
    "not its type": (f"a@x.org ssh-rsa {KEY.split()[1]}", "signer-key", 9),
    "unknown type": (f"a@x.org ssh-foo {KEY.split()[1]}", "signer-key", 9),
    "stranger type": (f"a@x.org foo {KEY.split()[1]}", "signer-key", 9),
    "dsa": ("a@x.org " + written("ssh-dss", *[string(b"\x01")] * 4), "signer-key", 9),
    "short rsa": (f"a@x.org {rsa(2047)}", "signer-key", 9),
    "rsa that all can sign": (f"a@x.org {rsa(2048, 1)}", "signer-key", 9),
    "rsa twice written": (
        "a@x.org " + written("ssh-rsa", integer(65537), string(b"\0\0" + ((1 << 2047) + 1).to_bytes(256))),
        "signer-key",
        9,
    ),
    "rsa of an even number": (f"a@x.org {rsa(2048, 4)}", "signer-key", 9),
    "rsa with a sign": (
        "a@x.org " + written("ssh-rsa", integer(65537), string(((1 << 2047) + 1).to_bytes(256))),
        "signer-key",
        9,
    ),
    "base64 with bits that mean nothing": (f"a@x.org {CURVE.replace('A==', 'B==')}", "signer-key", 9),
    "curve": (
        "a@x.org " + written("ecdsa-sha2-nistp256", string(b"nistp384"), string(b"\x04" + bytes(96))),
        "signer-key",
        9,
    ),
    "compressed": (
        "a@x.org " + written("ecdsa-sha2-nistp256", string(b"nistp256"), string(b"\x02" + bytes(64))),
        "signer-key",
        9,
    ),
    "option": (f'a@x.org namespaces="*",restrict {KEY}', "signer-option", 24),
    "option with a value": (f'a@x.org command="rm -rf /" {KEY}', "signer-option", 9),
    "comma at the end": (f'a@x.org namespaces="*", {KEY}', "signer-option", 9),
    "no quotes": (f"a@x.org valid-after=20270301 {KEY}", "signer-option", 9),
    "no value": (f"a@x.org namespaces {KEY}", "signer-option", 9),
    "option twice": (f'a@x.org namespaces="git",namespaces="*" {KEY}', "signer-option", 26),
    "month": (f'a@x.org valid-before="20271301" {KEY}', "signer-time", 9),
    "time": (f'a@x.org valid-before="2027-03-01" {KEY}', "signer-time", 9),
    "never good": (f'a@x.org valid-after="20270301",valid-before="20270301" {KEY}', "signer-time", 32),
    "open quote": (f'"a@x.org {KEY}', "signer-line", 1),
    "open quote of an option": (f'a@x.org namespaces="* {KEY}', "signer-line", 20),
    "no key": ("a@x.org", "signer-line", 8),
    "half a key": ("a@x.org ssh-ed25519  ", "signer-line", 20),
}


@pytest.mark.parametrize(("line", "code", "column"), BAD.values(), ids=BAD)
def test_a_bad_line_says_where_why_and_what_to_do(line: str, code: str, column: int) -> None:
    signers, (diagnostic,) = read(f"# first\n{line}\nz@x.org {OTHER}\n")
    assert [one.people for one in signers] == [("z@x.org",)], "it hides no other"
    assert diagnostic.code == code
    assert str(diagnostic.at) == f"allowed_signers:2:{column}"
    assert diagnostic.fix
    assert diagnostic.snippet is not None
    assert line.startswith(diagnostic.snippet.rstrip("…"))


def test_what_is_wrong_with_a_key_is_said() -> None:
    assert "1024 bits" in read(f"a@x.org {rsa(1024)}")[1][0].summary
    assert "DSA" in read(BAD["dsa"][0])[1][0].summary
    assert "it says ssh-rsa" in read(BAD["not its type"][0])[1][0].summary
    assert "certificate" in read(BAD["certificate"][0])[1][0].summary


@pytest.mark.parametrize("more", ["b@x.org", "a@x.org,b@x.org", 'a@x.org valid-before="20300101"'])
def test_a_key_speaks_for_one_person(more: str) -> None:
    signers, (diagnostic,) = read(f"a@x.org {KEY}\n\n{more} {KEY}\n")
    assert [one.people for one in signers] == [("a@x.org",)]
    assert (diagnostic.code, diagnostic.at and diagnostic.at.line) == ("signer-twice", 3)
    assert [(str(span), word) for span, word in diagnostic.related] == [("allowed_signers:1:9", "first here")]


def test_a_line_that_stands_there_twice_is_one() -> None:
    assert read(f"a@x.org,b@x.org {KEY}\nB@x.org,A@x.org {KEY} again\n") == (
        (Signer(people=("a@x.org", "b@x.org"), key=KEY),),
        (),
    )


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (f"a@x.org {KEY}\n".encode("utf-16"), "1:1"),
        (f"a@x.org {KEY}\n# f\xfc".encode("latin-1"), "2:4"),
        (f"a@x.org {KEY}\n\x1b[2J".encode(), "2:1"),
        (f"# harmless\rmallory@x.org {KEY}\n".encode(), "1:11"),
        (f"a@x.org {KEY}\n# harmless\u2028mallory@x.org {OTHER}".encode(), "2:11"),
    ],
    ids=["utf-16", "latin-1", "escape", "a line that hides in another", "another break"],
)
def test_a_file_that_is_no_plain_text_names_nobody(data: bytes, at: str) -> None:
    signers, (diagnostic,) = read(data)
    assert signers == ()
    assert (diagnostic.code, str(diagnostic.at)) == ("signer-encoding", f"allowed_signers:{at}")
    assert "UTF-8" in diagnostic.fix


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "allowed_signers").mkdir()
    file = read_signers(tmp_path)
    assert file is not None
    assert file.problem is not None
    assert parse_signers(file) == ((), (file.problem,))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not there")
def test_ssh_keygen_reads_what_we_read(tmp_path: Path) -> None:
    key, message, file = tmp_path / "key", tmp_path / "m", tmp_path / "allowed_signers"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", key], check=True)
    public = " ".join((tmp_path / "key.pub").read_text().split()[:2])
    message.write_text("hello")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "ordain-approval", "-f", key, message], check=True)
    lines = {
        f"a@x.org {public} me": True,
        f'"a@x.org,b@x.org" {public}': True,
        f'a@x.org NameSpaces="git,ordain-*",valid-after="20200101Z",valid-before="209912312359" {public}': True,
        f'a@x.org namespaces="*,!ordain-*" {public}': False,
        f'a@x.org namespaces="git" {public}': False,
        f"a@x.org valid-after=20200101 {public}": False,
        f"a@x.org restrict {public}": False,
        f"a@x.org ssh-rsa {public.split()[1]}": False,
    }
    for line, good in lines.items():
        file.write_text(line + "\n")
        command = ["ssh-keygen", "-Y", "verify", "-f", file, "-I", "a@x.org", "-n", "ordain-approval"]
        done = subprocess.run([*command, "-s", f"{message}.sig"], input=b"hello", capture_output=True, check=False)
        assert (done.returncode == 0, len(read(line)[0]) == 1) == (good, good), line
