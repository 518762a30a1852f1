"""Damaged IDX files by the million: each is read as its bytes say, or rejected.

    python tests/robustness/idx_mutations.py --count 1000000 --seed 0 --seconds 600

Files are built part by part (magic number, type, axes, sizes, payload; gzip's header, members and
trailer), with mistakes in any of them. A second reader, written here from the two specifications,
says what the bytes hold; `read_idx` must give that array, or raise ValueError where there is none.
Any other exception is a failure, and so is a read of more than a second; run as a script, also
memory beyond 64 MiB, making the files included.
"""

import argparse
import random
import resource
import struct
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

from purenn.data.idx import read_idx

CODES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CAP = 2**30  # bytes that a header may ask for, and no more
MIB = 2**20


# What the bytes say, or None.


def expected(data):
    content = gunzipped(data) if data[:2] == b"\x1f\x8b" else data
    if content is None or content[:2] != b"\0\0" or len(content) < 4:
        return None
    code, axes = content[2:4]
    start = 4 + 4 * axes
    if code not in CODES or not 1 <= axes <= 32 or len(content) < start:
        return None
    shape = struct.unpack(f">{axes}I", content[4:start])
    dtype, size, asked = np.dtype(CODES[code]), 1, 1
    for n in shape:
        size, asked = size * n, asked * max(n, 1)
    if asked * dtype.itemsize > CAP or len(content) - start != size * dtype.itemsize:
        return None
    return np.frombuffer(content, dtype, offset=start).reshape(shape)


def gunzipped(data):
    """RFC 1952: members one after the other, and zeros may follow."""
    content = b""
    while data:
        if data[:3] != b"\x1f\x8b\x08" or len(data) < 10:
            return None
        flags, data = data[3], data[10:]
        if flags & 4:
            if len(data) < 2 or len(data) - 2 < int.from_bytes(data[:2], "little"):
                return None
            data = data[2 + int.from_bytes(data[:2], "little") :]
        for flag in (8, 16):  # the name and the comment end with a zero
            if flags & flag:
                _, zero, data = data.partition(b"\0")
                if not zero:
                    return None
        data = data[2:] if flags & 2 else data
        inflate = zlib.decompressobj(-15)
        try:
            part = inflate.decompress(data)
        except zlib.error:
            return None
        trailer, data = inflate.unused_data[:8], inflate.unused_data[8:]
        if not inflate.eof or trailer != struct.pack("<II", zlib.crc32(part), len(part)):
            return None
        content, data = content + part, data.lstrip(b"\0")
    return content


# Files, most of them damaged.


def idx_file(rng):
    """An IDX file with at most a few mistakes in its parts."""
    code = rng.choice([*CODES])
    shape = [rng.choice([0, 1, 2, 3, 5, 28]) for _ in range(rng.choice([1, 1, 2, 3, 3, 4]))]
    magic, axes = b"\0\0", len(shape)
    payload = rng.randbytes(min(np.dtype(CODES[code]).itemsize * int(np.prod(shape)), 4096))
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        place = rng.randrange(len(shape))
        match rng.randrange(11):
            case 0:
                magic = rng.choice([b"\0", b"\0\1", b"\1\0", b"", b"\0\0\0", b"\x1f\x8b"])
            case 1:
                code = rng.choice([*CODES, 0x0A, 0x0F, 0, 0xFF, rng.randrange(256)])
            case 2:
                axes = rng.choice([0, axes - 1, axes + 1, 32, 33, 255])
            case 3:
                shape[place] = rng.choice(
                    [0, 1, (shape[place] + 1) % 2**32, max(shape[place] - 1, 0), 2**30, 2**32 - 1]
                )
            case 4:
                shape = rng.choice([[2**16] * 4, [2**31, 2**31, 4], [0] + [2**32 - 1] * 3, [2**26]])
            case 5:
                rng.shuffle(shape)  # still sound, and another array
            case 6:
                shape.insert(place, 1)
                axes += 1
            case 7:
                payload = payload[: rng.randrange(len(payload) + 1)]
            case 8:
                payload += payload[-rng.randint(1, 9) :] or b"\0"
            case 9 if payload:
                payload = flipped(rng, payload)
            case 10:
                payload += payload
    sizes = b"".join(struct.pack(">I", n) for n in shape)
    return magic + bytes([code, axes % 256]) + sizes + payload


def member(rng, content):
    """One gzip member, with the fields that its header may have and, at times, a mistake."""
    flags, fields = 0, b""
    if rng.randrange(4) == 0:
        flags = rng.randrange(32)
        extra = rng.randbytes(rng.randrange(20))
        fields += (len(extra).to_bytes(2, "little") + extra) * bool(flags & 4)
        fields += b"train-images\0" * bool(flags & 8) + b"comment\0" * bool(flags & 16)
        fields += rng.randbytes(2) * bool(flags & 2)
    method = 8 if rng.randrange(60) else rng.randrange(256)
    compress = zlib.compressobj(rng.choice([0, 1, 6]), zlib.DEFLATED, -15)
    body = compress.compress(content) + compress.flush()
    crc, length = zlib.crc32(content), len(content)
    match rng.randrange(24):
        case 0:
            crc ^= 1 << rng.randrange(32)
        case 1:
            length = (length + rng.choice([-1, 1, 2**31])) % 2**32
        case 2:
            body = flipped(rng, body)
        case 3:
            body = body[: rng.randrange(len(body))]
        case 4:
            flags = rng.randrange(256)
    header = b"\x1f\x8b" + bytes([method, flags]) + rng.randbytes(6)
    return header + fields + body + struct.pack("<II", crc, length)


def zipped(rng, content):
    """The content in one member or several, with what may stand around them."""
    if rng.randrange(2000) == 0:
        content += bytes(rng.randrange(4 * MIB))  # a small bomb
    cuts = sorted(rng.randrange(len(content) + 1) for _ in range(rng.choice([0, 0, 0, 1, 2])))
    starts, ends = [0, *cuts], [*cuts, len(content)]
    members = [member(rng, content[i:j]) for i, j in zip(starts, ends, strict=True)]
    match rng.randrange(20):
        case 0:
            members.append(bytes(rng.randint(1, 20)))
        case 1:
            members.append(rng.randbytes(rng.randint(1, 20)))
        case 2:
            members.insert(rng.randrange(len(members) + 1), member(rng, b""))
        case 3:
            members.append(rng.choice(members))
        case 4:
            rng.shuffle(members)
    return b"".join(members)


def flipped(rng, data):
    """One bit turned over."""
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def file(rng):
    """One file: raw or gzipped, and at times cut, lengthened or changed anywhere."""
    data = idx_file(rng)
    data = zipped(rng, data) if rng.randrange(2) else data
    for _ in range(rng.choice([0, 0, 0, 0, 1, 2])):
        place = rng.randrange(min(len(data), rng.choice([24, 10**9]))) if data else 0
        match rng.randrange(4):
            case 0 if data:
                data = flipped(rng, data)
            case 1:
                data = data[:place]
            case 2:
                data = data[:place] + rng.randbytes(rng.randint(1, 9)) + data[place:]
            case 3:
                data = data[:place] + data[place + rng.randint(1, 9) :]
    return data


def outcome(path, data):
    """Whether the file was "read" or "rejected", as it should be; else what went wrong."""
    path.unlink(missing_ok=True)  # some file systems write a file out when it is made anew in place
    path.write_bytes(data)
    right = expected(data)
    start = time.perf_counter()
    try:
        array = read_idx(path)
    except ValueError as error:
        wrong = "" if right is None else f"a sound file was rejected: {error}"
        result = "rejected"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    else:
        same = right is not None and array.dtype == right.dtype.newbyteorder("=")
        same = same and array.shape == right.shape and array.tobytes("C") == native(right)
        wrong, result = "" if same else f"read as {array.dtype}{array.shape}", "read"
    if time.perf_counter() - start > 1:
        wrong = "it took more than a second"
    return wrong or result


def native(array):
    return array.astype(array.dtype.newbyteorder("=")).tobytes()


def run(count, seed, folder, seconds=float("inf")):
    """How many files were read and rejected, and the failures: (number, what, the bytes)."""
    path, start = Path(folder) / "file", time.monotonic()
    counts, failures = {"read": 0, "rejected": 0}, []
    for number in range(count):
        data = file(random.Random(f"{seed} {number}"))
        result = outcome(path, data)
        if result in counts:
            counts[result] += 1
        else:
            failures.append((number, result, data[:200]))
        if time.monotonic() - start > seconds:
            break
    return counts, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600)
    arguments = parser.parse_args()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 64 * MIB, resource.RLIM_INFINITY))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts, failures = run(arguments.count, arguments.seed, folder, arguments.seconds)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for failure in failures[:20]:
        print(*failure)
    print(
        f"{sum(counts.values()) + len(failures):,} files, seed {arguments.seed}: "
        f"{counts['read']:,} read as their bytes say, {counts['rejected']:,} rejected, "
        f"{len(failures)} failures; {grown:.0f} MiB more memory; "
        f"{time.monotonic() - start:.0f} s"
    )
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
