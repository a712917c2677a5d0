"""SSH signatures: ssh-keygen verifies ours and we verify its; nothing else passes."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings, strategies as st

from ordain.policy.sshsig import SignatureError, is_encrypted, public_key, sign, verify
from ordain.values.sshkeys import integer, string

TEXT, FOR = b'{"plan":"sha256:1234"}', "ordain-approval"
KEYGEN = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not there")
ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EC = ec.derive_private_key(12345678901234567890, ec.SECP256R1())


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, secret: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(secret) if secret else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


PRIVATE = {"ed25519": pem(ED), "ecdsa": pem(EC)}
MADE = {name: sign(TEXT, key, None, FOR) for name, key in PRIVATE.items()}


def bare(armoured: str) -> bytes:
    return base64.b64decode("".join(armoured.split("\n")[1:-2]))


def armoured(data: bytes, width: int = 70) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return "\n".join(("-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""))


def signature(
    public: bytes,
    make: Callable[[bytes], bytes],
    *,
    namespace: bytes = FOR.encode(),
    reserved: bytes = b"",
    algorithm: str = "sha512",
    after: bytes = b"",
) -> str:
    """A signature with what the key says over exactly these fields, right or wrong."""
    fields = (namespace, reserved, algorithm.encode())
    digest = hashlib.new(algorithm, TEXT).digest()
    made = make(b"SSHSIG" + b"".join(map(string, (*fields, digest))))
    return armoured(b"SSHSIG" + (1).to_bytes(4) + b"".join(map(string, (public, *fields, made))) + after)


def by_ed25519(data: bytes) -> bytes:
    return string(b"ssh-ed25519") + string(ED.sign(data))


def by_ecdsa(data: bytes) -> bytes:
    r, s = utils.decode_dss_signature(EC.sign(data, ec.ECDSA(hashes.SHA256())))
    return integer(r) + integer(s)


ED_BLOB = base64.b64decode(public_key(PRIVATE["ed25519"], None).split()[1])
EC_POINT = base64.b64decode(public_key(PRIVATE["ecdsa"], None).split()[1])[-65:]


@pytest.mark.parametrize("name", PRIVATE)
def test_what_we_sign_we_verify(name: str) -> None:
    assert verify(TEXT, MADE[name], FOR) == public_key(PRIVATE[name], None)
    assert verify(TEXT, MADE[name].replace("\n", "\r\n"), FOR)
    assert verify(TEXT, armoured(bare(MADE[name]), 76), FOR), "others wrap it elsewhere"
    assert verify(TEXT, signature(ED_BLOB, by_ed25519, algorithm="sha256"), FOR)


@pytest.mark.parametrize("name", PRIVATE)
def test_every_bit_of_a_signature_counts(name: str) -> None:
    data = bare(MADE[name])
    for place in range(len(data)):
        for bit in (0x01, 0x80):
            changed = bytearray(data)
            changed[place] ^= bit
            with pytest.raises(SignatureError):
                verify(TEXT, armoured(bytes(changed)), FOR)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_other_character_in_text_or_armour_is_refused(data: st.DataObject) -> None:
    made = MADE["ed25519"]
    place = data.draw(st.integers(0, len(made) - 1))
    other = data.draw(st.characters(max_codepoint=255).filter(lambda one: one != made[place]))
    with pytest.raises(SignatureError):
        verify(TEXT, made[:place] + other + made[place + 1 :], FOR)
    place = data.draw(st.integers(0, len(TEXT) - 1))
    text = bytearray(TEXT)
    text[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SignatureError, match="does not fit"):
        verify(bytes(text), made, FOR)


@given(st.text() | st.text().map(lambda text: MADE["ed25519"].replace("U1NI", text)))
def test_rubbish_is_refused_in_words(text: str) -> None:
    with pytest.raises(SignatureError):
        verify(TEXT, text, FOR)


@given(st.binary())
def test_rubbish_in_good_armour_is_refused_in_words(data: bytes) -> None:
    for one in (data, bare(MADE["ecdsa"])[:10] + data, bare(MADE["ecdsa"]) + data + b"\0"):
        with pytest.raises(SignatureError):
            verify(TEXT, armoured(one), FOR)


WRONG = {
    "version": (armoured(bare(MADE["ed25519"]).replace(b"SIG\0\0\0\1", b"SIG\0\0\0\2", 1)), "version 1"),
    "namespace": (signature(ED_BLOB, by_ed25519, namespace=b"git"), "signed for 'git' instead of 'ordain-approval'"),
    "reserved": (signature(ED_BLOB, by_ed25519, reserved=b"x"), "reserved"),
    "hash": (signature(ED_BLOB, by_ed25519, algorithm="sha1"), "neither sha256 nor sha512"),
    "followed": (signature(ED_BLOB, by_ed25519, after=b"x"), "follows"),
    "followed within": (signature(ED_BLOB, lambda data: by_ed25519(data) + b"x"), "follows"),
    "followed in the middle": (
        signature(
            string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(EC_POINT),
            lambda data: string(b"ecdsa-sha2-nistp256") + string(by_ecdsa(data) + b"\0"),
        ),
        "follows",
    ),
    "another algorithm": (
        signature(ED_BLOB, lambda data: string(b"ssh-rsa") + string(ED.sign(data))),
        "not made as such a key signs",
    ),
    "certificate": (
        signature(string(b"ssh-ed25519-cert-v01@openssh.com") + ED_BLOB, by_ed25519),
        "a certificate is not supported",
    ),
    "off the curve": (
        signature(
            string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\x04" + b"\x01" * 64),
            lambda _: string(b"ecdsa-sha2-nistp256") + string(integer(1) + integer(1)),
        ),
        "broken",
    ),
    "long": ("-" * 40_000, "too long"),
    "lines of many lengths": (MADE["ed25519"][:60] + "\n" + MADE["ed25519"][60:], "base64"),
    "text before": ("x\n" + MADE["ed25519"], "no SSH signature"),
    "text after": (MADE["ed25519"] + "\n", "no SSH signature"),
    "nothing": ("", "no SSH signature"),
    "no lines": ("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", "no SSH signature"),
}


@pytest.mark.parametrize(("made", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_signature_is_said(made: str, why: str) -> None:
    with pytest.raises(SignatureError, match=why):
        verify(TEXT, made, FOR)


def test_rsa_signs_with_sha2_alone() -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = base64.b64decode(public_key(pem(key), None).split()[1])

    def by(name: bytes, algorithm: hashes.HashAlgorithm) -> str:
        return signature(public, lambda data: string(name) + string(key.sign(data, padding.PKCS1v15(), algorithm)))

    assert verify(TEXT, by(b"rsa-sha2-256", hashes.SHA256()), FOR) == public_key(pem(key), None)
    for name, algorithm in ((b"ssh-rsa", hashes.SHA1()), (b"rsa-sha2-512", hashes.SHA256())):
        with pytest.raises(SignatureError):
            verify(TEXT, by(name, algorithm), FOR)


def touched(kind: str, flags: int) -> str:
    """What a security key would sign (PROTOCOL.u2f), with its flags and a counter of 7."""
    tail = bytes([flags]) + (7).to_bytes(4)

    def make(data: bytes) -> bytes:
        asked = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(data).digest()
        if "ed25519" in kind:
            return string(kind.encode()) + string(ED.sign(asked)) + tail
        return string(kind.encode()) + string(by_ecdsa(asked)) + tail

    own = string(ED.public_key().public_bytes_raw()) if "ed25519" in kind else string(b"nistp256") + string(EC_POINT)
    return signature(string(kind.encode()) + own + string(b"ssh:"), make)


SECURITY_KEYS = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")


@pytest.mark.parametrize("kind", SECURITY_KEYS)
def test_a_security_key_must_have_been_touched(kind: str) -> None:
    assert verify(TEXT, touched(kind, 0x05), FOR).startswith(f"{kind} AAAA")
    with pytest.raises(SignatureError, match="nobody touched"):
        verify(TEXT, touched(kind, 0x04), FOR)
    data = bytearray(bare(touched(kind, 0x05)))
    data[-1] ^= 1  # its counter is signed too
    with pytest.raises(SignatureError, match="does not fit"):
        verify(TEXT, armoured(bytes(data)), FOR)


def of_openssh(kind: bytes, *fields: bytes) -> bytes:
    """A private key in OpenSSH's format (PROTOCOL.key) whose public half is of a type, and whose rest means nothing."""
    public = string(b"".join(map(string, (kind, *fields))))
    data = b"openssh-key-v1\0" + string(b"none") + string(b"none") + string(b"") + (1).to_bytes(4) + public
    text = base64.b64encode(data + string(bytes(64))).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n".encode()


KEY_ERRORS = {
    "on a token": (of_openssh(SECURITY_KEYS[0].encode(), bytes(32), b"ssh:"), None, "through ssh-keygen"),
    "on a token, ecdsa": (of_openssh(SECURITY_KEYS[1].encode(), b"nistp256", EC_POINT), None, "through ssh-keygen"),
    "dsa": (of_openssh(b"ssh-dss", *[b"\1"] * 4), None, "DSA keys are not safe"),
    "cut off": (of_openssh(b"ssh-ed25519", bytes(32)), None, "is broken"),
    "public": (public_key(PRIVATE["ed25519"], None).encode() + b" me\n", None, "this is a public key"),
    "public pem": (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", None, "this is a public key"),
    "no key": (b"hello", None, "no private key"),
    "empty": (b"", None, "no private key"),
    "locked": (pem(ED, b"secret"), None, "asks for its passphrase"),
    "wrong": (pem(ED, b"secret"), b"Secret", "the passphrase is wrong"),
    "broken": (PRIVATE["ed25519"].replace(b"MC4C", b"MC4D"), None, "is broken"),
    "another curve": (pem(ec.derive_private_key(5, ec.SECP256K1())), None, "key"),
}


@pytest.mark.parametrize(("key", "secret", "why"), KEY_ERRORS.values(), ids=KEY_ERRORS)
def test_what_is_wrong_with_a_key_is_said(key: bytes, secret: bytes | None, why: str) -> None:
    for use in (lambda: sign(TEXT, key, secret, FOR), lambda: public_key(key, secret)):
        with pytest.raises(SignatureError, match=why):
            use()


def test_a_passphrase_nobody_asked_for_does_no_harm() -> None:
    assert public_key(pem(ED), b"secret") == public_key(pem(ED, b"secret"), b"secret")
    assert (is_encrypted(pem(ED)), is_encrypted(pem(ED, b"secret")), is_encrypted(b"hello")) == (False, True, False)


# With ssh-keygen itself. Made once for all.

KEYS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
    "rsa-2048": ("-t", "rsa", "-b", "2048"),
    "ecdsa-pem": ("-t", "ecdsa", "-m", "PEM"),
    "ed25519-locked": ("-t", "ed25519"),
    "ecdsa-pkcs8-locked": ("-t", "ecdsa", "-m", "PKCS8"),
    "ecdsa-pem-locked": ("-t", "ecdsa", "-m", "PEM"),
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name, options in {**KEYS, "rsa-short": ("-t", "rsa", "-b", "1024")}.items():
        secret = "open sesame" if "locked" in name else ""
        subprocess.run(["ssh-keygen", "-q", "-N", secret, *options, "-f", folder / name], check=True)
    return folder


def accepted(folder: Path, public: str, made: str) -> bool:
    """Ask ssh-keygen whether it takes a signature."""
    (folder / "signers").write_text(f"a@x.org {public}\n")
    (folder / "made").write_text(made)
    command = ["ssh-keygen", "-Y", "verify", "-f", folder / "signers", "-I", "a@x.org", "-n", FOR]
    return not subprocess.run(
        [*command, "-s", folder / "made"], input=TEXT, capture_output=True, check=False
    ).returncode


@KEYGEN
@pytest.mark.parametrize("name", KEYS)
def test_ssh_keygen_verifies_ours_and_we_verify_its(keys: Path, tmp_path: Path, name: str) -> None:
    private = (keys / name).read_bytes()
    public = " ".join((keys / f"{name}.pub").read_text().split()[:2])
    secret = b"open sesame" if "locked" in name else None
    assert is_encrypted(private) is (secret is not None)
    assert public_key(private, secret) == public
    assert accepted(tmp_path, public, sign(TEXT, private, secret, FOR))
    if secret is not None:
        for wrong, why in ((None, "asks for its passphrase"), (b"close sesame", "the passphrase is wrong")):
            with pytest.raises(SignatureError, match=why):
                sign(TEXT, private, wrong, FOR)
        return
    for algorithm in ("sha512", "sha256"):
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", FOR, "-O", f"hashalg={algorithm}", "-f", keys / name]
        theirs = subprocess.run(command, input=TEXT, capture_output=True, check=True).stdout.decode()
        assert verify(TEXT, theirs, FOR) == public
        with pytest.raises(SignatureError, match="instead of 'git'"):
            verify(TEXT, theirs, "git")


@KEYGEN
@pytest.mark.parametrize("kind", SECURITY_KEYS)
def test_ssh_keygen_takes_what_we_take_for_a_security_key(tmp_path: Path, kind: str) -> None:
    made = touched(kind, 0x01)
    assert accepted(tmp_path, verify(TEXT, made, FOR), made)


@KEYGEN
def test_keys_that_are_not_safe_do_not_sign(keys: Path) -> None:
    with pytest.raises(SignatureError, match="1024 bits"):
        sign(TEXT, (keys / "rsa-short").read_bytes(), None, FOR)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", FOR, "-f", keys / "rsa-short"]
    theirs = subprocess.run(command, input=TEXT, capture_output=True, check=False)
    if not theirs.returncode:
        with pytest.raises(SignatureError, match="1024 bits"):
            verify(TEXT, theirs.stdout.decode(), FOR)
