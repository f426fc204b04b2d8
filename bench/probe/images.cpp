#include "bench/probe/images.hpp"

#include "foglift/core/error.hpp"
#include "foglift/nn/layers/patch.hpp"

#include <cstdio>
#include <filesystem>
#include <numeric>

namespace foglift::bench {
namespace {

using Bytes = std::vector<unsigned char>;

/// A file's bytes, through gzip where there is only its packed form.
Bytes bytes_of(const std::string& path) {
  const bool plain = std::filesystem::exists(path);
  if (!plain && !std::filesystem::exists(path + ".gz"))
    raise<FormatError>(path, ": neither it nor ", path, ".gz is there");
  if (path.find('\'') != path.npos) raise<FormatError>(path, ": a quote in the path");
  std::FILE* const in =
      plain ? std::fopen(path.c_str(), "rb") : popen(("gzip -dc '" + path + ".gz'").c_str(), "r");
  if (!in) raise<FormatError>(path, ": can not be opened");
  Bytes out, part(1 << 20);
  for (std::size_t n; (n = std::fread(part.data(), 1, part.size(), in)) > 0;)
    out.insert(out.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(n));
  if (plain)
    std::fclose(in);
  else
    pclose(in);
  return out;
}

/// A big-endian number of an idx file's head.
Index word(const Bytes& bytes, std::size_t at) {
  Index value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value * 256 + bytes.at(i);
  return value;
}

}  // namespace

Images read_images(const std::string& folder, const std::string& part) {
  const std::string images = folder + '/' + part + "-images-idx3-ubyte";
  const Bytes pixels = bytes_of(images),
              labels = bytes_of(folder + '/' + part + "-labels-idx1-ubyte");
  if (pixels.size() < 16 || labels.size() < 8 || word(pixels, 0) != 0x803 ||
      word(labels, 0) != 0x801)
    raise<FormatError>(images, ": not a file of images in idx form, or its labels are not");
  const Index n = word(pixels, 4), size = word(pixels, 8) * word(pixels, 12);
  if (size != 784 || static_cast<Index>(pixels.size()) != 16 + n * size ||
      static_cast<Index>(labels.size()) != 8 + n)
    raise<FormatError>(images, ": ", n, " images of ", size, " pixels in ", pixels.size(),
                       " bytes, ", labels.size(), " bytes of labels");
  Images out{Tensor<float>({n, 28, 28, 1}), {}};
  for (Index i = 0; i < n * size; ++i)
    out.x[i] = static_cast<float>(pixels[static_cast<std::size_t>(16 + i)]) / 127.5f - 1;
  for (Index i = 0; i < n; ++i) out.labels.push_back(labels[static_cast<std::size_t>(8 + i)]);
  return out;
}

std::vector<Index> range(Index first, Index count) {
  std::vector<Index> out(static_cast<std::size_t>(count));
  std::iota(out.begin(), out.end(), first);
  return out;
}

Tensor<float> folded(const Tensor<float>& images) {
  return nn::to_patches<2>(images, {14, 14}, 2).reshaped({images.dim(0), 14, 14, 4});
}

Tensor<float> flat(const Tensor<float>& x) { return x.reshaped({x.dim(0), x.row_size()}); }

}  // namespace foglift::bench
