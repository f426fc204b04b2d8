#!/usr/bin/env python3
"""Prints the forecasts that tests/forecast/test_classical.cpp compares with, of two series that are
formulas, and the equations of Yule and Walker for one without its trend; for test_ets.cpp, models of
exponential smoothing with given and with fitted numbers; for test_arima.cpp ARIMA models and the test
of Kwiatkowski et al.; for test_stl.cpp decompositions. Made with statsforecast
2.1.1 and statsmodels 0.15 (pip install statsforecast==2.1.1):

    python3 tests/reference/print_baselines.py"""
import math

import numpy as np
from statsforecast.models import ARIMA, AutoARIMA, AutoETS, OptimizedTheta, RandomWalkWithDrift, Theta
from statsmodels.regression.linear_model import yule_walker
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.seasonal import MSTL, STL
from statsmodels.tsa.statespace.sarimax import SARIMAX
from statsmodels.tsa.stattools import kpss

wavy = np.array([20 + 0.3 * t + 3 * math.sin(1.7 * t) + 2 * math.sin(0.9 * t * t) for t in range(48)])
yearly = np.array(
    [(50 + 0.5 * t) * (1 + 0.3 * math.sin(2 * math.pi * t / 12)) + 2 * math.sin(0.9 * t * t) for t in range(72)]
)
bent = np.array([0.02 * t * t + 3 * math.sin(1.7 * t) for t in range(48)])
for name, x in ("wavy", wavy), ("bent", bent):
    print(name, "optimised theta", *(f"{v:.8g}" for v in OptimizedTheta(season_length=1).forecast(x, 6)["mean"]))
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

# Given numbers: the likelihood and six forecasts. The order is alpha, beta, gamma, phi, level, slope, season.
first = 1 + 0.3 * np.sin(2 * np.pi * np.arange(12) / 12)
for error, trend, damped, seasonal in (("add", None, False, None), ("add", "add", False, "add"), ("mul", "add", True, "add"), ("mul", None, False, "add")):
    season = None if seasonal is None else 50 * (first - 1)
    model = ETSModel(yearly, error=error, trend=trend, damped_trend=damped, seasonal=seasonal, seasonal_periods=12 if seasonal else None,
                     initialization_method="known", initial_level=50, initial_trend=0.5 if trend else None, initial_seasonal=season)
    numbers = [0.4] + [0.1] * (trend is not None) + [0.2] * (seasonal is not None) + [0.95] * damped
    done = model.smooth(numbers)
    print("ETS", error, trend, damped, seasonal, f"-2 llf {-2 * done.llf:.10g}", *(f"{v:.9g}" for v in done.forecast(6)))
# Fitted: AICc, the first weights, six forecasts.
for form in "ANN", "MNN", "AAN", "MAN":
    fitted = AutoETS(season_length=1, model=form, damped=False).fit(wavy)
    print("AutoETS", form, f"{fitted.model_['aicc']:.7g}", fitted.model_["par"][:2], *(f"{v:.6g}" for v in fitted.predict(6)["mean"]))
for form in "ANA", "MNM", "MAM":
    fitted = AutoETS(season_length=12, model=form, damped=False).fit(yearly)
    print("AutoETS", form, f"{fitted.model_['aicc']:.7g}", fitted.model_["par"][:3], *(f"{v:.6g}" for v in fitted.predict(6)["mean"]))
fitted = AutoETS(season_length=12, model="MAM", damped=True).fit(yearly)  # its season stands last phase first
print("AutoETS MAdM", *(f"{v:.9g}" for v in fitted.model_["par"]), fitted.model_["loglik"], *fitted.predict(6)["mean"])

for x, m, order, season, constant in (
    (wavy, 1, (2, 1, 0), (0, 0, 0), False),
    (wavy, 1, (2, 1, 1), (0, 0, 0), True),
    (wavy, 1, (0, 2, 1), (0, 0, 0), False),
    (yearly, 12, (1, 0, 0), (1, 1, 0), True),
    (yearly, 12, (0, 1, 1), (0, 1, 1), False),
):
    for method in "CSS", "CSS-ML":
        fitted = ARIMA(order, m, season, include_mean=constant, include_drift=constant, method=method).fit(x)
        print(method, order, season, fitted.model_["coef"], fitted.model_["sigma2"], *fitted.predict(6)["mean"])
given = SARIMAX(wavy - 27, order=(2, 0, 1), seasonal_order=(1, 0, 2, 4), concentrate_scale=True)
print("SARIMAX -2 llf", repr(-2 * given.loglike(np.array([0.5, -0.2, 0.4, 0.3, -0.3, 0.1]))))
for x, order, season, trend in (np.diff(wavy), (2, 0, 0), (0, 0, 0, 0), None), (yearly[12:] - yearly[:-12], (1, 0, 0), (1, 0, 0, 12), "c"):
    model = SARIMAX(x, order=order, seasonal_order=season, trend=trend, concentrate_scale=True)
    near = model.fit(disp=0, maxiter=2000, pgtol=1e-10, factr=10).params
    done = model.fit(near, disp=0, maxiter=4000, method="nm", xtol=1e-10, ftol=1e-13)
    print("SARIMAX", dict(zip(done.param_names, done.params)), f"-2 llf {-2 * done.llf:.12g}", *done.forecast(4))
for x, m in (wavy, 1), (yearly, 12):
    print("AutoARIMA", AutoARIMA(season_length=m).fit(x).model_["arma"])
for x in wavy, np.diff(wavy), yearly:
    print("kpss", kpss(x, regression="c", nlags=int(3 * np.sqrt(len(x)) / 13))[0])

cells = [0, 1, 13, 40, 71]
for options in {}, {"robust": True}, {"seasonal_jump": 1, "trend_jump": 3, "low_pass_jump": 2}:
    parts = STL(yearly, period=12, **options).fit()
    print("STL", options, *(f"{v:.9f}" for v in [*parts.seasonal[cells], *parts.trend[cells]]))
parts = MSTL(yearly, periods=(5, 12)).fit()
print("MSTL", *(f"{v:.9f}" for v in [*parts.seasonal[cells, 0], *parts.seasonal[cells, 1], *parts.trend[cells]]))
