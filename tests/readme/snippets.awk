# Turns the ```cpp blocks of a page into one program: each block is the body of a function that main() calls; its #include
# lines move to the top. A block opened by ```cpp global stands outside of any function. A long page makes `parts` files,
# of which this is the one numbered `part`, from 0; main() is in the first.
BEGIN { if (!parts) parts = 1 }
/^```cpp( global)?$/ { inside = 1; global = $2 == "global"; here = global || count++ % parts == part; if (!global && here) body = body "void snippet_" count "() {\n"; next }
/^```$/ && inside { inside = 0; if (!global && here) body = body "}\n"; next }
inside && /^#include/ { includes = includes $0 "\n"; next }
inside && here { body = body "#line " NR " \"" FILENAME "\"\n" $0 "\n" }
END {
  print includes "\nusing namespace foglift;\n" body
  if (part > 0) exit
  for (i = 1; i <= count; ++i) print "void snippet_" i "();"
  print "\nint main() {"
  for (i = 1; i <= count; ++i) print "  snippet_" i "();"
  print "}"
}
