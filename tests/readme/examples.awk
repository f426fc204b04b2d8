# Turns the examples in the comments of headers into one unit: blocks of lines that begin with three blanks after ///, whose
# last line ends in ; or }. Each is the body of a function that is compiled and not called, or, where it begins with a struct, stands
# in a namespace of its own. The names that they use are declared in examples.hpp.
function take() {
  if (block != "" && last ~ /[;}]( *\/\/.*)?$/) {
    ++count
    where = "#line " start " \"" file "\"\n"
    if (first ~ /^struct /) print "namespace example_" count " {\n" where block "}"
    else print "struct Example" count " : Names { void example() {\n" where block "} };"
  }
  block = ""
}
BEGIN { print "#include \"examples.hpp\"\n" }
FNR == 1 { take() }
/^ *\/\/\/   / {
  sub(/^ *\/\/\/   /, "")
  if (block == "") { start = FNR; file = FILENAME; first = $0 }
  block = block $0 "\n"
  last = $0
  next
}
{ take() }
END { take(); print "// " count " examples" }
