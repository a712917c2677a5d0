"""Signatures as ssh-keygen -Y makes them (OpenSSH, PROTOCOL.sshsig): made and verified."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

from ordain.values.sshkeys import PublicKey, Wire, integer, parse_key, read_key, string

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve
    from cryptography.hazmat.primitives.hashes import HashAlgorithm
    from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes

_MAGIC, _VERSION = b"SSHSIG", 1
_KEY_MAGIC = b"openssh-key-v1\0"
_HASHES = ("sha256", "sha512")
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH, _WIDEST = 70, 76
_LONGEST_ARMOUR, _LONGEST_TEXT, _LONGEST_KEY = 32_768, 16 * 1024 * 1024, 65_536
_PRESENT = 0x01
"""The flag of a security key's signature that says that somebody touched it."""
_PUBLIC = re.compile(rb"\s*(?:(?:ssh|ecdsa|sk)-[a-z0-9@.-]+[ \t]+AAAA|-+ ?BEGIN (?:[A-Z0-9]+ )*PUBLIC KEY)")
_OPENSSH = re.compile(rb"-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----")
_DOES_NOT_FIT = "the signature does not fit the text"


class SignatureError(ValueError):
    """Why a signature is none, or cannot be made, in words that go after a colon."""


def verify(text: bytes, armoured: str, namespace: str) -> str:
    """Return the public key (``type base64``) whose owner signed ``text`` for ``namespace``.

    Raises ``SignatureError`` for anything else than what ssh-keygen could have written: what follows the end, a
    second way to write the same, a certificate, SHA-1, a security key that nobody touched.
    """
    if len(text) > _LONGEST_TEXT:
        raise SignatureError("the signed text is too long")
    try:
        wire = Wire(_bare(armoured))
        if wire.take(len(_MAGIC)) != _MAGIC or wire.number() != _VERSION:
            raise SignatureError("it is no SSH signature of version 1")
        key = _key(wire.string())
        found, reserved, algorithm, signature = (wire.string() for _ in range(4))
        wire.end()
        _check_frame(found, reserved, algorithm, namespace)
        _check(key, signature, _signed(text, namespace, algorithm.decode()))
    except SignatureError:
        raise
    except ValueError as error:
        raise SignatureError(f"the signature is broken: {error}") from None
    return key.text


def sign(text: bytes, private_key: bytes, passphrase: bytes | None, namespace: str) -> str:
    """Return an armoured signature of ``text`` by a private key in OpenSSH's format or PEM.

    Raises ``SignatureError`` where the key cannot be read, its passphrase is missing or wrong, or it may not sign.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

    key = _private(private_key, passphrase)
    public = _public(key)
    data = _signed(text, namespace, "sha512")
    kind = public.type
    if isinstance(key, ed25519.Ed25519PrivateKey):
        made = key.sign(data)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(_curve(public.curve)[1])))
        made = integer(r) + integer(s)
    elif isinstance(key, rsa.RSAPrivateKey):
        kind, made = "rsa-sha2-512", key.sign(data, padding.PKCS1v15(), hashes.SHA512())
    else:
        raise SignatureError("the key is of a type that is not supported")
    fields = (public.blob, namespace.encode(), b"", b"sha512", string(kind.encode()) + string(made))
    return _armoured(_MAGIC + _VERSION.to_bytes(4) + b"".join(map(string, fields)), _WIDTH)


def public_key(private_key: bytes, passphrase: bytes | None) -> str:
    """Return the public key (``type base64``) of a private one; raise ``SignatureError`` as ``sign`` does."""
    return _public(_private(private_key, passphrase)).text


def is_encrypted(private_key: bytes) -> bool:
    """Say whether a private key asks for a passphrase; False where it is none."""
    match = _OPENSSH.search(private_key)
    if match is None:
        return b"BEGIN ENCRYPTED PRIVATE KEY" in private_key or b"Proc-Type: 4,ENCRYPTED" in private_key
    try:
        wire = Wire(base64.b64decode(match[1]))
        return wire.take(len(_KEY_MAGIC)) == _KEY_MAGIC and wire.string() != b"none"
    except ValueError:
        return False


def _check_frame(namespace: bytes, reserved: bytes, algorithm: bytes, wanted: str) -> None:
    if namespace != wanted.encode():
        shown = namespace[:60].decode("ascii", errors="replace")
        raise SignatureError(f"it was signed for {shown!r} instead of {wanted!r}")
    if reserved:
        raise SignatureError("the signature is broken: it holds what is reserved")
    if algorithm.decode("ascii", errors="replace") not in _HASHES:
        raise SignatureError("its hash is neither sha256 nor sha512")


def _key(blob: bytes) -> PublicKey:
    try:
        return read_key(blob)
    except ValueError as error:
        raise SignatureError(f"it was made with no key that may sign: {error}") from None


def _signed(text: bytes, namespace: str, algorithm: str) -> bytes:
    """Return the bytes that the key itself signs."""
    fields = (namespace.encode(), b"", algorithm.encode(), hashlib.new(algorithm, text).digest())
    return _MAGIC + b"".join(map(string, fields))


def _armoured(data: bytes, width: int) -> str:
    text = base64.b64encode(data).decode()
    lines = (text[start : start + width] for start in range(0, len(text), width))
    return "\n".join((_BEGIN, *lines, _END, ""))


def _bare(armoured: str) -> bytes:
    """Return what an armour holds. Its lines are equally long, so that nothing can be slipped in between."""
    if len(armoured) > _LONGEST_ARMOUR:
        raise SignatureError("the signature is too long")
    text = armoured.replace("\r\n", "\n").removesuffix("\n")
    lines = text.split("\n")
    width = len(lines[1]) if len(lines) > 2 else 0
    if lines[0] != _BEGIN or lines[-1] != _END or not 0 < width <= _WIDEST:
        raise SignatureError(f"it is no SSH signature: that begins with {_BEGIN} and ends with {_END}")
    try:
        data = base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if _armoured(data, width) != f"{text}\n":
        raise SignatureError("the signature is broken: its base64 is not written as it must be")
    return data


def _check(key: PublicKey, signature: bytes, data: bytes) -> None:
    """Raise ``SignatureError`` or ``ValueError`` unless ``signature`` is the key's for ``data``."""
    from cryptography.exceptions import InvalidSignature

    wire = Wire(signature)
    kind, made = wire.string().decode("ascii", errors="replace"), wire.string()
    allowed = ("rsa-sha2-512", "rsa-sha2-256") if key.type == "ssh-rsa" else (key.type,)
    if kind not in allowed:
        raise SignatureError(f"it is not made as such a key signs ({' or '.join(allowed)})")
    if key.application is not None:
        flags, counter = wire.take(1), wire.take(4)
        if not flags[0] & _PRESENT:
            raise SignatureError("nobody touched the security key")
        data = hashlib.sha256(key.application).digest() + flags + counter + hashlib.sha256(data).digest()
    wire.end()
    try:
        if key.modulus:
            _check_rsa(key, kind, made, data)
        elif key.curve:
            _check_ecdsa(key, made, data)
        else:
            _check_ed25519(key, made, data)
    except InvalidSignature:
        raise SignatureError(_DOES_NOT_FIT) from None


def _check_rsa(key: PublicKey, kind: str, made: bytes, data: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    algorithm = hashes.SHA512() if kind == "rsa-sha2-512" else hashes.SHA256()
    public = rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
    public.verify(made, data, padding.PKCS1v15(), algorithm)


def _check_ecdsa(key: PublicKey, made: bytes, data: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    numbers = Wire(made)
    r, s = numbers.integer(), numbers.integer()
    numbers.end()
    curve, algorithm = _curve(key.curve)
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.point)  # ValueError: it is not on the curve
    public.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(algorithm))


def _check_ed25519(key: PublicKey, made: bytes, data: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    ed25519.Ed25519PublicKey.from_public_bytes(key.point).verify(made, data)


def _curve(name: str) -> tuple[EllipticCurve, HashAlgorithm]:
    """Return a curve and the hash that goes with it (RFC 5656 §6.2.1)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    if name == "nistp256":
        return ec.SECP256R1(), hashes.SHA256()
    return (ec.SECP384R1(), hashes.SHA384()) if name == "nistp384" else (ec.SECP521R1(), hashes.SHA512())


def _public(key: SSHPrivateKeyTypes) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        return parse_key(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    except ValueError as error:
        raise SignatureError(f"this is no key that may sign: {error}") from None


def _private(data: bytes, passphrase: bytes | None) -> SSHPrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    if _PUBLIC.match(data):
        raise SignatureError("this is a public key; the private one mostly lies beside it, without .pub in its name")
    if len(data) > _LONGEST_KEY or b"PRIVATE KEY-----" not in data:
        raise SignatureError("this is no private key in OpenSSH's format or PEM")
    encrypted = is_encrypted(data)
    if encrypted and not passphrase:
        raise SignatureError("the private key asks for its passphrase")
    load, public = load_ssh_private_key if _OPENSSH.search(data) else load_pem_private_key, _public_half(data)
    if b"sk-ssh-" in public or b"sk-ecdsa-" in public:
        raise SignatureError("a security key signs through ssh-keygen -Y sign alone")
    if b"ssh-dss" in public:
        raise SignatureError("DSA keys are not safe any more")
    try:
        key = load(data, passphrase if encrypted else None)
    except UnsupportedAlgorithm as error:
        raise SignatureError(f"the private key is of a type that is not supported ({error})") from None
    except (ValueError, TypeError):
        why = "the passphrase is wrong, or the private key is broken" if encrypted else "the private key is broken"
        raise SignatureError(why) from None
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SignatureError("the private key is of a type that is not supported: use ed25519, ecdsa or RSA")
    return key


def _public_half(data: bytes) -> bytes:
    """Return the public key in a private one of OpenSSH's format (PROTOCOL.key), which is never encrypted."""
    match = _OPENSSH.search(data)
    try:
        wire = Wire(base64.b64decode(match[1]) if match else b"")
        wire.take(len(_KEY_MAGIC))
        for _ in range(3):  # cipher, kdf, its options
            wire.string()
        return wire.string() if wire.number() == 1 else b""
    except ValueError:
        return b""
