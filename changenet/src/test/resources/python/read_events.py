"""Reads an event file with the standard library alone, or a folder with TensorBoard's own reader.

read_events.py FILE            one line "step tag value" per scalar, "step tag picture" per picture
read_events.py --tensorboard FOLDER    the same, as TensorBoard sees the folder
"""
import struct
import sys


def crc32c(data):
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    crc = 0xFFFFFFFF
    for b in data:
        crc = crc >> 8 ^ table[(crc ^ b) & 255]
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == masked(data[at : at + 8]), "length"
        content = data[at + 12 : at + 12 + length]
        if at + 16 + length > len(data):
            return
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(content), "content"
        yield content
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        b = data[at]
        value |= (b & 127) << shift
        at, shift = at + 1, shift + 7
        if b < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            (value,), at = struct.unpack_from("<d", data, at), at + 8
        elif kind == 5:
            (value,), at = struct.unpack_from("<f", data, at), at + 4
        else:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield key >> 3, value


def show(step, tag, value):
    print(step, tag, "%.6g" % value if isinstance(value, float) else value)


def plain(path):
    with open(path, "rb") as f:
        data = f.read()
    for record in records(data):
        event = dict(fields(record))
        for _, summary in fields(event.get(5, b"")):
            value = dict(fields(summary))
            tag = value[1].decode()
            if 2 in value:
                show(event[2], tag, value[2])
            else:
                picture = dict(fields(value[4]))
                show(event[2], tag, "%dx%d %s" % (picture[2], picture[1], picture[4][1:4].decode()))


def tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    for tag in events.Tags()["scalars"]:
        for e in events.Scalars(tag):
            show(e.step, tag, e.value)
    for tag in events.Tags()["images"]:
        for e in events.Images(tag):
            kind = e.encoded_image_string[1:4].decode()
            show(e.step, tag, "%dx%d %s" % (e.width, e.height, kind))


if sys.argv[1] == "--tensorboard":
    tensorboard(sys.argv[2])
else:
    plain(sys.argv[1])
