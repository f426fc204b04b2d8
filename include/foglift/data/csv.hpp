#pragma once

#include "foglift/data/csv_cells.hpp"
#include "foglift/data/csv_reader.hpp"
#include "foglift/data/csv_writer.hpp"
#include "foglift/data/encoding.hpp"
