#!/usr/bin/env python3
"""Writes a small corpus for each fuzzer: make_seeds.py FOLDER makes FOLDER/csv, npy and safetensors."""
import json
import pathlib
import struct
import sys


def safetensors(header, data=b""):
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def npy(descr, shape, data, order=False, version=1):
    text = ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)).encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


seeds = {
    "csv": [
        b"date,y,who\n2020-01-01,1.5,ann\n2020-01-02,,bob\n",
        b"\xef\xbb\xbfdate;y\r\n01.02.2020;1,5\r\n02.02.2020;NA\r\n",
        b'n\tnote\n1\t"a\tb"\n2\t"say ""hi""\nyou"\n',
        b"1,2\n3,4\n", b"y\n1e308\n-0\n?\n-\n", b"t\n2001-09-09T03:46:40.5+02:00\n",
    ],
    "npy": [
        npy("<f4", "(2,)", struct.pack("<2f", 1, 2)),
        npy(">i2", "(2, 3)", bytes(12), True, 2),
        npy("|b1", "()", b"\1", False, 3),
        npy("<f8", "(0, 3)", b""), npy("<f2", "(1, 2, 1)", bytes(4)),
    ],
    "safetensors": [
        safetensors({}),
        safetensors({"__metadata__": {"k": "v\n\u00e9"}, "a.w": tensor("F32", [2, 1], 0, 8),
                     "b": tensor("U64", [1], 8, 16)}, bytes(16)),
        safetensors({"x": tensor("F64", [], 0, 8), "y": tensor("BF16", [0], 8, 8)}, bytes(8)),
        safetensors({"x": tensor("F4", [2], 0, 1), "y": tensor("BOOL", [3], 1, 4)}, bytes(4)),
    ],
}
for parser, files in seeds.items():
    folder = pathlib.Path(sys.argv[1]) / parser
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(files):
        (folder / f"seed{number}").write_bytes(content)
