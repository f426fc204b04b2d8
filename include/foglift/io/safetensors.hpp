#pragma once

#include "foglift/io/safetensors_reader.hpp"
#include "foglift/io/safetensors_sharded.hpp"
#include "foglift/io/safetensors_writer.hpp"
