#pragma once

#include "foglift/data/npy_reader.hpp"
#include "foglift/data/npy_writer.hpp"
