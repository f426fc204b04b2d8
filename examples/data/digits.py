#!/usr/bin/env python3
"""Writes digits.csv from scikit-learn's digits.csv.gz: python3 digits.py digits.csv.gz > digits.csv

The source file stands in the scikit-learn wheel as sklearn/datasets/data/digits.csv.gz
(pip download --no-deps scikit-learn, then unzip) and in Debian's python3-sklearn. Needs the
standard library alone. The numbers are not changed: the label moves to the front and a header
names the columns, p<row><column>.
"""

import csv
import gzip
import sys

COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as UCI publishes them


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with gzip.open(sys.argv[1], "rt", newline="") as source:
        rows = [[int(value) for value in row] for row in csv.reader(source)]
    assert all(len(row) == 65 and all(0 <= v <= 16 for v in row[:64]) for row in rows)
    assert [sum(row[64] == k for row in rows) for k in range(10)] == COUNTS
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["label"] + [f"p{y}{x}" for y in range(8) for x in range(8)])
    out.writerows([row[64:] + row[:64] for row in rows])


if __name__ == "__main__":
    main()
