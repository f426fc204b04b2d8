#pragma once

#include "foglift/data/csv_reader.hpp"
#include "foglift/data/csv_writer.hpp"
