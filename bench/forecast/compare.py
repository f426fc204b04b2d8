#!/usr/bin/env python3
"""The forecast program beside the classical methods of statsforecast, on public series and the same windows.

  python3 bench/forecast/series.py /tmp/series --data DIR
  python3 bench/forecast/compare.py /tmp/series --program build/release/examples/forecast --out /tmp/compared
  python3 bench/forecast/compare.py /tmp/series --out /tmp/compared --parts table            what was found, once more
  ... --page docs/forecasting.md                                                             and into the page, between its marks

The program runs as a user would run it, told no more than the file and the horizon. A window is a forecast of `horizon` steps
from all that is known before it; windows do not overlap and end with the series, at most 14 and a fifth of it. Every method is
asked for 19 quantiles, 5 % to 95 %; CRPS is twice their mean pinball loss, averaged over all steps that have a value; "80 %
holds" counts values between the 10 % and 90 % quantiles. The classical methods are fitted anew at every window, on the last
2000 values at most, with gaps filled by straight lines; AutoETS is told of seasons up to 24, AutoARIMA up to 12 (a fit takes minutes beyond);
where one fails at a window the seasonal naive stands in. The best of them is chosen with hindsight, row by row. Results are kept
in --out, a file a row and contender, and are not computed again. Rows whose windows differ, since the program leaves cells open where
time has gaps, are counted and named below the table, and so are rows that were not run.
"""
import argparse
import csv
import json
import os
import re
import shlex
import subprocess
import time
import warnings

import numpy
import pandas

LEVELS = numpy.arange(1, 20) / 20


def scores(quantiles, actual):
    """CRPS and the coverage of the 80 % band, in per cent. quantiles: [windows, levels, steps], actual: [windows, steps]."""
    error = actual[:, None, :] - quantiles
    loss = numpy.maximum(LEVELS[None, :, None] * error, (LEVELS[None, :, None] - 1) * error)
    inside = (actual >= quantiles[:, 1]) & (actual <= quantiles[:, 17])
    known = ~numpy.isnan(actual)
    return {"crps": 2 * float(numpy.nanmean(loss.mean(1))), "holds": 100 * float(inside[known].mean())}


def windows_of(size, horizon):
    count = min(max(size // (5 * horizon), 1), 14)
    return [size - (count - k) * horizon for k in range(count)]


def classical(season):
    from statsforecast import models
    known = lambda longest: season if season <= longest else 1
    trend = models.AutoETS(model="ZZN")
    found = {"AutoETS": models.AutoETS(season_length=known(24)), "AutoARIMA": models.AutoARIMA(season_length=known(12)),
             "AutoTheta": models.AutoTheta(season_length=season), "seasonal naive": models.SeasonalNaive(season_length=season)}
    if season > 1:
        found["MSTL+ARIMA"] = models.MSTL(season_length=season, trend_forecaster=models.AutoARIMA())
        found["MSTL+ETS"] = models.MSTL(season_length=season, trend_forecaster=trend)
    return found


def forecast_peer(model, history, horizon):
    """[levels, horizon]."""
    said = model.forecast(y=history, h=horizon, level=[10 * k for k in range(1, 10)])
    rows = [said[f"lo-{level}"] for level in range(90, 0, -10)] + [said["mean"]] + [said[f"hi-{level}"] for level in range(10, 91, 10)]
    return numpy.array(rows)


def run_peers(row, values):
    from statsforecast.models import SeasonalNaive
    filled = pandas.Series(values).interpolate().bfill().to_numpy()
    horizon, season = row["horizon"], row["season"]
    starts = windows_of(len(values), horizon)
    actual = numpy.array([values[s:s + horizon] for s in starts])
    found = {}
    for name, model in classical(season).items():
        began, failed, quantiles = time.process_time(), 0, []
        for start in starts:
            history = filled[max(0, start - 2000):start]
            try:
                said = forecast_peer(model, history, horizon)
                if not numpy.isfinite(said).all():
                    raise ValueError("not finite")
            except Exception as error:  # of many kinds; said in the table
                failed += 1
                said = forecast_peer(SeasonalNaive(season_length=season), history, horizon)
            quantiles.append(said)
        found[name] = scores(numpy.array(quantiles), actual) | {
            "failed": failed, "seconds": time.process_time() - began}
        print(f"  {row['name']:18} {name:16} " + "  ".join(f"{k} {v:.4g}" for k, v in found[name].items()), flush=True)
    return found


def how_windows_differ(actual, wanted):
    """Of windows [windows, steps] of the program those of the peers, which know no gaps in time: in words."""
    cells = lambda windows: f"{len(windows)} windows, {int((~numpy.isnan(windows)).sum())} values"
    return f"other windows, the program's {cells(actual)}, the peers' {cells(wanted)}"


def run_program(row, path, values, options):
    folder = os.path.join(options.out, row["name"].replace(" ", "_"))
    command = [options.program, path, "--horizon", str(row["horizon"]), "--out", folder, "--force", "--quiet",
               "--quantiles", ",".join(f"{level:.2f}" for level in LEVELS)] + shlex.split(options.options)
    began = time.time()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.time() - began
    if done.returncode != 0:
        print(f"  {row['name']}: status {done.returncode}: {done.stderr.strip()}", flush=True)
        return {"error": done.stderr.strip(), "seconds": seconds}
    with open(os.path.join(folder, "report.json")) as file:
        report = json.load(file)
    table = pandas.read_csv(os.path.join(folder, "backtest.csv"))
    quantiles, actual = [], []
    for _, window in table.groupby("origin", sort=False):
        actual.append(window["actual"].to_numpy(float))
        quantiles.append(window[[c for c in table.columns if c.startswith("q")]].to_numpy(float).T)
    quantiles, actual = numpy.array(quantiles), numpy.array(actual)
    starts = windows_of(len(values), row["horizon"])
    wanted = numpy.array([values[s:s + row["horizon"]] for s in starts])
    same = actual.shape == wanted.shape and numpy.allclose(actual, wanted, equal_nan=True)
    found = scores(quantiles, actual) | {"seconds": seconds, "same windows": bool(same), "parts": report["scores"]}
    if not same:
        found["windows differ"] = how_windows_differ(actual, wanted)
    print(f"  {row['name']:18} foglift          crps {found['crps']:.4g}  holds {found['holds']:.1f}  seconds {seconds:.1f}"
          + ("" if same else "  OTHER WINDOWS"), flush=True)
    return found


def table(rows, options):
    lines = ["| series | kind | windows x horizon | foglift: CRPS | 80 % holds | seconds | best classical: CRPS | 80 % holds | ratio |",
             "|---|---|---|---|---|---|---|---|---|"]
    ratios, holds, apart = [], [], []
    for row in rows:
        ours, theirs = (read(options, row, who) for who in ("foglift", "peers"))
        if not ours or not theirs or "error" in ours:
            apart.append((row["name"], "not run" if not ours else ours.get("error", "no peers")))
            continue
        if not ours["same windows"]:
            apart.append((row["name"], ours.get("windows differ", "other windows")))
        best = min(theirs, key=lambda name: theirs[name]["crps"])
        ratio = ours["crps"] / theirs[best]["crps"]
        ratios.append(ratio)
        holds.append(ours["holds"])
        lines.append(f"| {row['name']} | {row['kind']} | {row['windows']} x {row['horizon']} | {ours['crps']:.4g} | {ours['holds']:.0f} % | "
                     f"{ours['seconds']:.0f} | {best} {theirs[best]['crps']:.4g} | {theirs[best]['holds']:.0f} % | {ratio:.2f} |")
    if apart:
        lines.append("\n" + "; ".join(f"{name}: {why}" for name, why in apart) + ".")
    if ratios:
        ratios, holds = numpy.array(ratios), numpy.array(holds)
        lines.append(f"\n{len(ratios)} rows: geometric mean of the ratios {numpy.exp(numpy.log(ratios).mean()):.3f}, at most 1.05 in "
                     f"{100 * (ratios <= 1.05).mean():.0f} %, at most 1 in {100 * (ratios <= 1).mean():.0f} %; the 80 % band holds "
                     f"{holds.mean():.1f} % on average, {holds.min():.0f} to {holds.max():.0f} %.")
    return "\n".join(lines)


def beforehand(rows, options):
    """What a method has to the best of all with hindsight, where it stands for every row: each classical one, and foglift."""
    ratios = {}
    for row in rows:
        ours, theirs = (read(options, row, who) for who in ("foglift", "peers"))
        if not ours or "error" in ours or not theirs or "AutoETS" not in theirs:
            continue
        best = min(said["crps"] for said in theirs.values())
        for name, said in {"foglift": ours, **theirs}.items():
            ratios.setdefault(name, []).append(said["crps"] / best)
    said = [f"{name} {numpy.exp(numpy.log(r).mean()):.2f}, at most 1.05 in {100 * (numpy.array(r) <= 1.05).mean():.0f} % of {len(r)} rows"
            for name, r in ratios.items()]
    return "\nOne method for all rows, to the best of each with hindsight (geometric mean): " + "; ".join(said) + "."


def put_into(path, text):
    """Puts text between the marks <!-- statsforecast --> and <!-- /statsforecast --> of a page."""
    with open(path) as file:
        page = file.read()
    found, count = re.subn(r"(<!-- statsforecast -->\n).*?(<!-- /statsforecast -->)", lambda m: f"{m[1]}{text}\n{m[2]}",
                           page, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{path} has no marks <!-- statsforecast --> ... <!-- /statsforecast -->")
    with open(path, "w") as file:
        file.write(found)


def cache(options, row, who):
    return os.path.join(options.out, f"{row['file'][:-4]}.{who}.json")


def read(options, row, who):
    if not os.path.exists(cache(options, row, who)):
        return None
    with open(cache(options, row, who)) as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("series", help="folder that series.py wrote")
    parser.add_argument("--out", required=True, help="folder for results")
    parser.add_argument("--program", default="build/release/examples/forecast")
    parser.add_argument("--parts", nargs="+", default=["peers", "program", "table"], choices=["peers", "program", "table"])
    parser.add_argument("--only", nargs="+", help="names of rows")
    parser.add_argument("--page", help="page whose part between the marks of statsforecast is written anew")
    parser.add_argument("--again", action="store_true", help="compute what is already there")
    parser.add_argument("--options", default="", help="further options of the program: --options='--minutes 5'")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    warnings.simplefilter("ignore")
    with open(os.path.join(options.series, "rows.txt")) as file:
        rows = [row for row in csv.DictReader(file) if not options.only or row["name"] in options.only]
    for row in rows:
        row["horizon"], row["season"] = int(row["horizon"]), int(row["season"])
        path = os.path.join(options.series, row["file"])
        values = pandas.read_csv(path)["value"].to_numpy(float)
        row["windows"] = len(windows_of(len(values), row["horizon"]))
        for part, who, run in (("peers", "peers", lambda: run_peers(row, values)),
                               ("program", "foglift", lambda: run_program(row, path, values, options))):
            if part in options.parts and (options.again or not os.path.exists(cache(options, row, who))):
                found = run()
                with open(cache(options, row, who), "w") as file:
                    json.dump(found, file, indent=1)
    if "table" in options.parts:
        said = table(rows, options) + "\n" + beforehand(rows, options)
        print(said)
        if options.page:
            put_into(options.page, said)


if __name__ == "__main__":
    main()
