#!/usr/bin/env python3
"""Public series of a dozen kinds, written as CSV files (date, value) for bench/forecast/compare.py.

  pip install -r bench/forecast/requirements.txt
  python3 bench/forecast/series.py /tmp/series               what the packages hold
  python3 bench/forecast/series.py /tmp/series --data DIR    and what lies in DIR: ett/ETTh1.csv, m4/Hourly-{train,test}.csv,
                                                            gluonts_nips/exchange_rate_nips_train.csv, los_loop/los_speed.csv,
                                                            pm25_aqi36/pm25_ground.txt

Nothing is cleaned: gaps between the first and the last value, ties and jumps stay as published. A row is a series, a horizon and a season; the classical methods are
told the season, the program under test finds its own.
"""
import argparse
import os

import numpy
import pandas
import statsmodels.api as statsmodels
import vega_datasets
from pmdarima import datasets as classic
from statsforecast.utils import AirPassengersDF


def dated(values, start, step):
    """A series of regular steps from a date on."""
    values = numpy.asarray(values, dtype=float)
    return pandas.Series(values, index=pandas.date_range(start, periods=len(values), freq=step))


def packaged():
    """name -> (kind, horizon, season, series)."""
    data = statsmodels.datasets
    vega = vega_datasets.local_data
    weather = vega.seattle_weather().set_index("date")
    stocks = vega.stocks()
    jobs = vega.us_employment().set_index("month")
    macro = data.macrodata.load_pandas().data
    nino = data.elnino.load_pandas().data.set_index("YEAR")
    co2 = data.co2.load_pandas().data["co2"]
    price = lambda symbol: stocks[stocks.symbol == symbol].set_index("date")["price"]
    msft = classic.load_msft()
    msft = msft.set_index(pandas.to_datetime(msft["Date"]))
    rows = {
        "passengers": ("transport", 12, 12, AirPassengersDF.set_index("ds")["y"]),
        "wine": ("retail", 12, 12, dated(classic.load_wineind(), "1980-01", "MS")),
        "beer": ("retail", 8, 4, dated(classic.load_ausbeer(), "1956-01", "QS")),
        "wool": ("industry", 8, 4, dated(classic.load_woolyrnq(), "1965-01", "QS")),
        "residents": ("demography", 8, 4, dated(classic.load_austres(), "1971-04", "QS")),
        "lynx": ("ecology", 8, 1, dated(classic.load_lynx(), "1821", "YS")),
        "heart rate": ("medicine", 30, 1, dated(classic.load_heartrate(), "2000-01-01", "500ms")),
        "half-hourly load": ("energy", 48, 48, dated(classic.load_taylor(), "2000-06-05", "30min")),
        "share price": ("finance", 10, 5, msft["Close"]),
        "share volume": ("finance", 10, 5, msft["Volume"]),
        "sunspots": ("astronomy", 15, 1, dated(data.sunspots.load_pandas().data["SUNACTIVITY"], "1700", "YS")),
        "monthly sunspots": ("astronomy", 24, 12, dated(classic.load_sunspots(), "1749-01", "MS")),
        "co2": ("climate", 26, 52, co2),
        "el nino": ("climate", 24, 12, dated(nino.to_numpy().ravel(), f"{int(nino.index[0])}-01", "MS")),
        "nile": ("hydrology", 8, 1, dated(data.nile.load_pandas().data["volume"], "1871", "YS")),
        "gdp": ("economy", 8, 4, dated(macro["realgdp"], "1959-01", "QS")),
        "unemployment": ("economy", 8, 4, dated(macro["unemp"], "1959-01", "QS")),
        "inflation": ("economy", 8, 4, dated(macro["infl"], "1959-01", "QS")),
        "warmest hour": ("weather", 24, 365, weather["temp_max"]),
        "rain": ("weather", 14, 365, weather["precipitation"]),
        "wind": ("weather", 14, 365, weather["wind"]),
        "normals": ("climate", 48, 24, vega.seattle_temps().set_index("date")["temp"]),
        "retail jobs": ("economy", 12, 12, jobs["retail_trade"]),
        "building jobs": ("economy", 12, 12, jobs["construction"]),
        "monthly share": ("finance", 6, 1, price("IBM")),
    }
    return rows


def external(folder):
    """The same of files in a folder; those that are missing are left out."""
    rows = {}
    path = lambda *parts: os.path.join(folder, *parts)
    if os.path.exists(path("ett", "ETTh1.csv")):
        ett = pandas.read_csv(path("ett", "ETTh1.csv"), parse_dates=["date"]).set_index("date").iloc[:8000]
        rows["oil temperature"] = ("energy", 48, 24, ett["OT"])
        rows["transformer load"] = ("energy", 48, 24, ett["HUFL"])
    if os.path.exists(path("m4", "Hourly-train.csv")):
        train = pandas.read_csv(path("m4", "Hourly-train.csv"), index_col=0)
        test = pandas.read_csv(path("m4", "Hourly-test.csv"), index_col=0)
        for name in ("H10", "H150", "H300"):
            values = numpy.concatenate([train.loc[name].dropna(), test.loc[name].dropna()])
            rows["m4 " + name] = ("m4", 48, 24, dated(values, "2015-07-01", "h"))
    if os.path.exists(path("gluonts_nips", "exchange_rate_nips_train.csv")):
        rates = pandas.read_csv(path("gluonts_nips", "exchange_rate_nips_train.csv"), header=None)
        for k in (0, 4):
            values = pandas.to_numeric(rates.iloc[k], errors="coerce").dropna()
            rows[f"exchange {k}"] = ("finance", 30, 5, dated(values, "1990-01-01", "B"))
    if os.path.exists(path("los_loop", "los_speed.csv")):
        speed = pandas.read_csv(path("los_loop", "los_speed.csv"))
        rows["traffic speed"] = ("traffic", 24, 288, dated(speed.iloc[:, 3], "2012-03-01", "5min"))
    if os.path.exists(path("pm25_aqi36", "pm25_ground.txt")):
        air = pandas.read_csv(path("pm25_aqi36", "pm25_ground.txt"), parse_dates=["datetime"]).set_index("datetime")
        rows["fine dust"] = ("air", 24, 24, air.iloc[:4000, 3])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--data", help="folder of further data")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    rows = packaged() | (external(options.data) if options.data else {})
    lines = ["name,kind,horizon,season,file"]
    for name, (kind, horizon, season, series) in rows.items():
        file = name.replace(" ", "_") + ".csv"
        series = series.loc[series.first_valid_index():series.last_valid_index()].rename("value").rename_axis("date")
        series.to_csv(os.path.join(options.folder, file))
        lines.append(f"{name},{kind},{horizon},{season},{file}")
        print(f"{name:20} {kind:12} {len(series):6} values, {int(series.isna().sum()):4} missing, "
              f"{series.index[0]} to {series.index[-1]}")
    with open(os.path.join(options.folder, "rows.txt"), "w") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
