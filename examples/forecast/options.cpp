#include "options.hpp"

#include <type_traits>

namespace tool {

namespace {

/// f(name, member, help, check...) for the options of a part.
struct Reading {
  static void each(auto& o, auto&& f) {
    f("date", o.read.date, "column of dates, or several that are joined (default: found out)");
    f("date-format", o.read.date_format,
      "of the dates, like '%d.%m.%Y %H:%M' (default: found out)");
    f("target", o.read.target, "columns to forecast, or all (default: found out)");
    f("id", o.read.id, "columns that name the series of a row");
    f("known", o.read.known, "columns that are known ahead: holidays, plans, prices");
    f("past", o.read.past, "columns that help, and are not known ahead");
    f("static", o.read.statics, "columns of numbers that are the same for a whole series");
    f("ignore", o.read.ignore, "columns that are not looked at");
    f("future", o.read.future, "file of rows ahead, with the columns that are known");
    f("skip", o.read.skip, "lines at the top that are not of the table", CLI::Range(1, 10000));
    f("delimiter", o.delimiter, "between cells: comma, semicolon, tab, bar or blank",
      CLI::IsMember({"comma", "semicolon", "tab", "bar", "blank"}));
    f("decimal", o.decimal, "point or comma in numbers (default: found out)",
      CLI::IsMember({"point", "comma"}));
    f("missing", o.read.missing, "cells that stand for a missing value, like -999; none: no guess");
    f("freq", o.read.grid.frequency,
      "the steps of the series, like 15min, hour, 'business day' or month (default: found out)");
    f("resample", o.resample,
      "what the rows within a step of --freq become: mean, sum, first, last, min or max",
      combination());
    f("duplicates", o.duplicates,
      "what rows of one time become, in the same words (default: an error)", combination());
  }
  static CLI::IsMember combination() {
    return CLI::IsMember(std::vector<std::string>(foglift::forecast::combine_names.begin(),
                                                  foglift::forecast::combine_names.end()));
  }
};

struct Holidays {
  static void each(auto& o, auto&& f) {
    f("holidays", o.holidays,
      "file of days with columns date, name and perhaps region: known ahead, a column of 0 and 1 "
      "each");
    f("region", o.region, "whose days are taken of --holidays");
  }
};

struct Modelling {
  static void each(auto& o, auto&& f) {
    f("horizon", o.horizon, "steps ahead (default: two of the shortest season)",
      CLI::Range(1, 1000));
    f("season", o.season, "steps of the seasons, the main one first (default: found out)",
      CLI::Range(1, 100000));
    f("method", o.method, "diffusion, or linear: seconds, and what to beat",
      CLI::IsMember({"diffusion", "linear"}));
    f("windows", o.windows,
      "forecasts of the past to judge by, as many again choose the weights (default: a fifth of "
      "the series, at most 14)",
      CLI::Range(1, 1000));
    f("context", o.context, "steps that a forecast looks back (default: the longest season)",
      CLI::Range(1, 100000));
    f("non-negative", o.non_negative, "no forecast below 0: yes or no (default: if no value is)",
      CLI::IsMember({"yes", "no"}));
    f("integer", o.integer, "whole numbers alone: yes or no (default: if all values are)",
      CLI::IsMember({"yes", "no"}));
    f("cap", o.cap, "no forecast above (default: 1 or 100 where many values are that)",
      CLI::PositiveNumber);
    f("outliers", o.outliers, "mask gross ones in training, or keep them (default: mask)",
      CLI::IsMember({"mask", "keep"}));
    f("minutes", o.minutes, "most time to train for", CLI::Range(0.01, 1e4));
    f("steps", o.steps, "training steps, in place of --minutes: exact reruns",
      CLI::Range(1, 100000000));
    f("seed", o.seed, "of everything random");
    f("from", o.from, "model file whose weights training begins with, for rows that were appended",
      CLI::ExistingFile);
  }
};

struct Drawing {
  static void each(auto& o, auto&& f) {
    f("samples", o.samples, "sample paths", CLI::Range(10, 10000));
    f("quantiles", o.quantiles, "levels in the CSV files, like 0.1,0.5,0.9", CLI::Range(0.0, 1.0));
    f("paths", o.paths, "write the sample paths too, into paths.csv");
    f("title", o.title, "of the picture");
  }
};

struct Where {
  static void each(auto& o, auto&& f) {
    f("out", o.out, "folder for the results");
    f("threads", o.threads, "no result depends on it (default: all cores)", CLI::Range(1, 1024));
    f("force", o.force, "overwrite the results of an earlier run");
    f("quiet", o.quiet, "only the scores and the verdict");
  }
};

template <class Part>
void add_part(CLI::App& app, Options& o) {
  Part::each(o,
             [&app]<class T>(const char* name, T& member, const char* help, const auto&... check) {
               const std::string flag = std::string("--") + name;
               if constexpr (std::is_same_v<T, bool>) {
                 app.add_flag(flag, member, help);
               } else {
                 CLI::Option* option = app.add_option(flag, member, help);
                 if (member != T{}) option->capture_default_str();
                 if constexpr (!std::is_arithmetic_v<T> && !std::is_same_v<T, std::string>) {
                   option->allow_extra_args(false);  // --season 24 FILE: one word
                   if constexpr (!std::is_same_v<T, std::vector<std::string>>)
                     option->delimiter(',');
                 }
                 (option->check(check), ...);
               }
             });
}

/// Options of the parts as they stand in a file: those that were neither given nor found out are
/// left out.
template <class... Parts>
Json to_json(const Options& o) {
  Json out = Json::object();
  const auto write = [&](const char* name, const auto& member, const auto&...) {
    using T = std::remove_cvref_t<decltype(member)>;
    if (member != T{}) out[name] = member;
  };
  (Parts::each(o, write), ...);
  return out;
}

}  // namespace

void add(CLI::App& app, Options& o, Part part) {
  switch (part) {
    case Part::reading:
      return add_part<Reading>(app, o);
    case Part::holidays:
      return add_part<Holidays>(app, o);
    case Part::modelling:
      return add_part<Modelling>(app, o);
    case Part::drawing:
      return add_part<Drawing>(app, o);
    case Part::where:
      return add_part<Where>(app, o);
  }
}

Json results_of(const Options& o) {
  Json out = {{"file", o.file}};
  out.update(to_json<Reading, Holidays, Modelling, Drawing>(o));
  return out;
}

}  // namespace tool
