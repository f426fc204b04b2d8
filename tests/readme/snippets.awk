# Turns the ```cpp blocks of a page into one program: each block is the body of a function that main() calls; its #include
# lines move to the top. A block opened by ```cpp global stands outside of any function.
/^```cpp( global)?$/ { inside = 1; global = $2 == "global"; if (!global) body = body "void snippet_" ++count "() {\n"; next }
/^```$/ && inside { inside = 0; if (!global) body = body "}\n"; next }
inside && /^#include/ { includes = includes $0 "\n"; next }
inside { body = body "#line " NR " \"" FILENAME "\"\n" $0 "\n" }
END {
  print includes "\nusing namespace foglift;\n" body "\nint main() {"
  for (i = 1; i <= count; ++i) print "  snippet_" i "();"
  print "}"
}
