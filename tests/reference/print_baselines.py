#!/usr/bin/env python3
"""Prints the forecasts that tests/forecast/test_classical.cpp compares with, of two series that are
formulas, and the equations of Yule and Walker for one without its trend. Made with statsforecast
2.1.1 and statsmodels 0.15 (pip install statsforecast==2.1.1):

    python3 tests/reference/print_baselines.py"""
import math

import numpy as np
from statsforecast.models import RandomWalkWithDrift, Theta
from statsmodels.regression.linear_model import yule_walker

wavy = np.array([20 + 0.3 * t + 3 * math.sin(1.7 * t) + 2 * math.sin(0.9 * t * t) for t in range(48)])
yearly = np.array(
    [(50 + 0.5 * t) * (1 + 0.3 * math.sin(2 * math.pi * t / 12)) + 2 * math.sin(0.9 * t * t) for t in range(72)]
)
for name, x, season in ("wavy", wavy, 1), ("yearly", yearly, 12), ("yearly - 60", yearly - 60, 12):
    for model in RandomWalkWithDrift(), Theta(season_length=season):
        print(name, model, *(f"{v:.8g}" for v in model.forecast(x, 6)["mean"]))
    # The half width of the 80 % interval of the drift is 1.28155 deviations.
    drift = RandomWalkWithDrift().forecast(x, 6, level=[80])
    print(name, "deviations", *(f"{v:.7g}" for v in (drift["hi-80"] - drift["mean"]) / 1.2815515655446004))

level = wavy - 0.3 * np.arange(48)
for order in range(1, 5):
    weights, deviation = yule_walker(level, order=order, method="mle")[:2]
    print("level", order, *(f"{v:.9g}" for v in weights), f"variance {deviation**2:.9g}")
