"""The string hashes that TF's hash buckets use: FarmHash's Fingerprint64, SipHash-2-4 and TF's own Hash64."""

from __future__ import annotations

from functools import lru_cache

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _word(data: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _rotate(value: int, by: int) -> int:
    return ((value >> by) | (value << (64 - by))) & _MASK


def _shift_mix(value: int) -> int:
    return value ^ (value >> 47)


def _mix(u: int, v: int, multiplier: int) -> int:
    a = _shift_mix(((u ^ v) * multiplier) & _MASK)
    b = _shift_mix(((v ^ a) * multiplier) & _MASK)
    return (b * multiplier) & _MASK


def _up_to_16(s: bytes) -> int:
    n = len(s)
    if n >= 8:
        multiplier = _K2 + n * 2
        a, b = (_word(s, 0) + _K2) & _MASK, _word(s, n - 8)
        c = (_rotate(b, 37) * multiplier + a) & _MASK
        d = ((_rotate(a, 25) + b) * multiplier) & _MASK
        return _mix(c, d, multiplier)
    if n >= 4:
        return _mix((n + (_word(s, 0, 4) << 3)) & _MASK, _word(s, n - 4, 4), _K2 + n * 2)
    if n > 0:
        y = s[0] + (s[n >> 1] << 8)
        z = n + (s[n - 1] << 2)
        return (_shift_mix((y * _K2 ^ z * _K0) & _MASK) * _K2) & _MASK
    return _K2


def _up_to_32(s: bytes) -> int:
    n = len(s)
    multiplier = _K2 + n * 2
    a, b = (_word(s, 0) * _K1) & _MASK, _word(s, 8)
    c, d = (_word(s, n - 8) * multiplier) & _MASK, (_word(s, n - 16) * _K2) & _MASK
    first = (_rotate((a + b) & _MASK, 43) + _rotate(c, 30) + d) & _MASK
    return _mix(first, (a + _rotate((b + _K2) & _MASK, 18) + c) & _MASK, multiplier)


def _up_to_64(s: bytes) -> int:
    n = len(s)
    multiplier = _K2 + n * 2
    a, b = (_word(s, 0) * _K2) & _MASK, _word(s, 8)
    c, d = (_word(s, n - 8) * multiplier) & _MASK, (_word(s, n - 16) * _K2) & _MASK
    y = (_rotate((a + b) & _MASK, 43) + _rotate(c, 30) + d) & _MASK
    z = _mix(y, (a + _rotate((b + _K2) & _MASK, 18) + c) & _MASK, multiplier)
    e, f = (_word(s, 16) * multiplier) & _MASK, _word(s, 24)
    g, h = ((y + _word(s, n - 32)) * multiplier) & _MASK, ((z + _word(s, n - 24)) * multiplier) & _MASK
    first = (_rotate((e + f) & _MASK, 43) + _rotate(g, 30) + h) & _MASK
    return _mix(first, (e + _rotate((f + a) & _MASK, 18) + g) & _MASK, multiplier)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(s, at + 8 * i) for i in range(4))
    a = (a + w) & _MASK
    b = _rotate((b + a + z) & _MASK, 21)
    c = a
    a = (a + x + y) & _MASK
    b = (b + _rotate(a, 44)) & _MASK
    return (a + z) & _MASK, (b + c) & _MASK


def _over_64(s: bytes) -> int:
    x, seed = 81, 81
    y = (seed * _K1 + 113) & _MASK
    z = (_shift_mix((y * _K2 + 113) & _MASK) * _K2) & _MASK
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _word(s, 0)) & _MASK
    end = ((len(s) - 1) // 64) * 64
    for at in range(0, end, 64):
        x = (_rotate((x + y + v[0] + _word(s, at + 8)) & _MASK, 37) * _K1) & _MASK
        y = (_rotate((y + v[1] + _word(s, at + 48)) & _MASK, 42) * _K1) & _MASK
        x ^= w[1]
        y = (y + v[0] + _word(s, at + 40)) & _MASK
        z = (_rotate((z + w[0]) & _MASK, 33) * _K1) & _MASK
        v = _weak(s, at, (v[1] * _K1) & _MASK, (x + w[0]) & _MASK)
        w = _weak(s, at + 32, (z + w[1]) & _MASK, (y + _word(s, at + 16)) & _MASK)
        z, x = x, z
    return _last_64(s, x, y, z, v, w)


def _last_64(s: bytes, x: int, y: int, z: int, v: tuple[int, int], w: tuple[int, int]) -> int:
    multiplier = (_K1 + ((z & 0xFF) << 1)) & _MASK
    at = len(s) - 64
    w = ((w[0] + ((len(s) - 1) & 63)) & _MASK, w[1])
    v = ((v[0] + w[0]) & _MASK, v[1])
    w = ((w[0] + v[0]) & _MASK, w[1])
    x = (_rotate((x + y + v[0] + _word(s, at + 8)) & _MASK, 37) * multiplier) & _MASK
    y = (_rotate((y + v[1] + _word(s, at + 48)) & _MASK, 42) * multiplier) & _MASK
    x ^= (w[1] * 9) & _MASK
    y = (y + v[0] * 9 + _word(s, at + 40)) & _MASK
    z = (_rotate((z + w[0]) & _MASK, 33) * multiplier) & _MASK
    v = _weak(s, at, (v[1] * multiplier) & _MASK, (x + w[0]) & _MASK)
    w = _weak(s, at + 32, (z + w[1]) & _MASK, (y + _word(s, at + 16)) & _MASK)
    z, x = x, z
    first = (_mix(v[0], w[0], multiplier) + _shift_mix(y) * _K0 + z) & _MASK
    return _mix(first, (_mix(v[1], w[1], multiplier) + x) & _MASK, multiplier)


def fingerprint64(s: bytes) -> int:
    """FarmHash's Fingerprint64, which `tf.string_to_hash_bucket_fast` takes modulo the number of buckets."""
    return _of_short(s) if len(s) <= 64 else _over_64(s)


# Words come again and again; a bounded cache of short ones costs a few megabytes.
@lru_cache(1 << 16)
def _of_short(s: bytes) -> int:
    function = _up_to_16 if len(s) <= 16 else _up_to_32 if len(s) <= 32 else _up_to_64
    return function(s)


def _sip_round(v: list[int]) -> None:
    def left(value: int, by: int) -> int:
        return ((value << by) | (value >> (64 - by))) & _MASK

    v[0] = (v[0] + v[1]) & _MASK
    v[2] = (v[2] + v[3]) & _MASK
    v[1], v[3] = left(v[1], 13) ^ v[0], left(v[3], 16) ^ v[2]
    v[0] = (left(v[0], 32) + v[3]) & _MASK
    v[2] = (v[2] + v[1]) & _MASK
    v[1], v[3] = left(v[1], 17) ^ v[2], left(v[3], 21) ^ v[0]
    v[2] = left(v[2], 32)


def strong_hash(key: tuple[int, int], s: bytes) -> int:
    """SipHash-2-4 under a key of two 64-bit words, which `tf.string_to_hash_bucket_strong` uses."""
    k0, k1 = (k & _MASK for k in key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = s + b"\0" * (7 - len(s) % 8) + bytes([len(s) & 0xFF])
    for at in range(0, len(padded), 8):
        word = _word(padded, at)
        v[3] ^= word
        _sip_round(v)
        _sip_round(v)
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def hash64(s: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """TF's Hash64 (a Murmur hash), which `tf.string_to_hash_bucket` uses."""
    multiplier, shift = 0xC6A4A7935BD1E995, 47
    h = seed ^ ((len(s) * multiplier) & _MASK)
    whole = len(s) // 8 * 8
    for at in range(0, whole, 8):
        k = (_word(s, at) * multiplier) & _MASK
        k = ((k ^ (k >> shift)) * multiplier) & _MASK
        h = ((h ^ k) * multiplier) & _MASK
    if len(s) > whole:
        h = ((h ^ _word(s, whole)) * multiplier) & _MASK
    h = ((h ^ (h >> shift)) * multiplier) & _MASK
    return h ^ (h >> shift)
