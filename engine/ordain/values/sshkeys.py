"""Public SSH keys as they are written: a type, a space, base64.

Their bytes: RFC 4253 §6.6 (RSA), RFC 5656 §3.1 (ECDSA), RFC 8709 §4 (Ed25519), OpenSSH's PROTOCOL.u2f (security keys).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

CURVES = {"nistp256": 256, "nistp384": 384, "nistp521": 521}
"""The curves of ECDSA keys, with their sizes in bits."""
LEAST_RSA, MOST_RSA = 2048, 16384
"""Bits of an RSA key: fewer are not safe, more only cost time."""
_LONGEST = 8192
_ECDSA = tuple(f"ecdsa-sha2-{curve}" for curve in CURVES)
_TYPES = ("ssh-ed25519", "ssh-rsa", *_ECDSA, "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")


class Wire:
    """Reads what RFC 4251 §5 calls strings and integers; every method raises ``ValueError`` where there is none."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        end = self._place + count
        if end > len(self._data):
            raise ValueError("it is cut off")
        found = self._data[self._place : end]
        self._place = end
        return found

    def number(self) -> int:
        """Return the next four bytes as a number (uint32)."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        """Return the next string."""
        return self.take(self.number())

    def integer(self) -> int:
        """Return the next integer (mpint), which is positive and written as short as can be."""
        data = self.string()
        if not data or data[0] & 0x80 or (data[0] == 0 and not (len(data) > 1 and data[1] & 0x80)):
            raise ValueError("an integer is not written as it must be")
        return int.from_bytes(data)

    def end(self) -> None:
        """Raise ``ValueError`` where something is left."""
        if self._place != len(self._data):
            raise ValueError("something follows its end")


def string(data: bytes) -> bytes:
    """Return bytes as a string of RFC 4251 §5: their number before them."""
    return len(data).to_bytes(4) + data


def integer(value: int) -> bytes:
    """Return a positive number as an mpint of RFC 4251 §5."""
    return string(value.to_bytes(value.bit_length() // 8 + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A public key, taken apart. ``text`` is how OpenSSH writes it, without a comment.

    ``point`` are the bytes of an Ed25519 key or of an uncompressed point on ``curve`` (EC keys alone);
    ``exponent`` and ``modulus`` are an RSA key's. ``application`` is set for a security key (``sk-…``).
    """

    type: str
    blob: bytes
    point: bytes = b""
    curve: str = ""
    exponent: int = 0
    modulus: int = 0
    application: bytes | None = None

    @property
    def text(self) -> str:
        return f"{self.type} {base64.b64encode(self.blob).decode()}"


def parse_key(text: str) -> PublicKey:
    """Return the key that ``type base64`` is; raise ``ValueError`` with why it is none that may sign."""
    kind, _, encoded = text.partition(" ")
    _check_type(kind)
    key = read_key(_decoded(encoded))
    if key.type != kind:
        raise ValueError(f"it says {kind}, but holds a key of type {key.type}")
    return key


def _decoded(text: str) -> bytes:
    """Return what base64 stands for; the same bytes are never written in two ways."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise ValueError("its base64 is broken")
    return data


def read_key(blob: bytes) -> PublicKey:
    """Return the key in the bytes that base64 stands for; raise ``ValueError`` with why it is none that may sign."""
    if len(blob) > _LONGEST:
        raise ValueError("it is too long for a key")
    wire = Wire(blob)
    kind = wire.string().decode("ascii", errors="replace")
    _check_type(kind)
    key = _rest(kind, blob, wire)
    wire.end()
    return key


def _rest(kind: str, blob: bytes, wire: Wire) -> PublicKey:
    if kind == "ssh-ed25519":
        return PublicKey(type=kind, blob=blob, point=_sized(wire.string(), 32))
    if kind == "sk-ssh-ed25519@openssh.com":
        return PublicKey(type=kind, blob=blob, point=_sized(wire.string(), 32), application=wire.string())
    if kind == "sk-ecdsa-sha2-nistp256@openssh.com":
        curve, point = _on_curve("nistp256", wire)
        return PublicKey(type=kind, blob=blob, curve=curve, point=point, application=wire.string())
    if kind in _ECDSA:
        curve, point = _on_curve(kind.removeprefix("ecdsa-sha2-"), wire)
        return PublicKey(type=kind, blob=blob, curve=curve, point=point)
    exponent, modulus = wire.integer(), wire.integer()
    if not LEAST_RSA <= modulus.bit_length() <= MOST_RSA:
        raise ValueError(f"an RSA key of {modulus.bit_length()} bits; it takes {LEAST_RSA} to {MOST_RSA}")
    if exponent < 3 or not exponent & 1 or not modulus & 1 or exponent.bit_length() > 64:
        raise ValueError("these are no numbers of an RSA key")
    return PublicKey(type=kind, blob=blob, exponent=exponent, modulus=modulus)


def _check_type(kind: str) -> None:
    if kind in _TYPES:
        return
    if kind == "ssh-dss":
        raise ValueError("DSA keys are not safe any more")
    if "-cert-v" in kind:
        raise ValueError("a certificate is not supported")
    shown = kind if kind.isprintable() and 0 < len(kind) <= 60 else "unknown"
    raise ValueError(f"the type {shown} is not supported")


def _sized(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(f"the key has {len(data)} bytes instead of {size}")
    return data


def _on_curve(curve: str, wire: Wire) -> tuple[str, bytes]:
    """Return a curve and the bytes of a point; that it lies on the curve shows when the key is used."""
    if wire.string() != curve.encode():
        raise ValueError("the key is of another curve than its type says")
    point = wire.string()
    if point[:1] != b"\x04":
        raise ValueError("its point is not written out (uncompressed)")
    return curve, _sized(point, 1 + 2 * ((CURVES[curve] + 7) // 8))
