# Compares two files word by word; exit status 1 where a word differs, or a number by more than a tenth and 0.03.
FNR == NR { expected[FNR] = $0; lines = FNR; next }
{
  seen = FNR
  count = split(expected[FNR], words)
  if (count != NF) different(FNR)
  for (i = 1; i <= NF; ++i) {
    apart = $i - words[i]
    if (apart < 0) apart = -apart
    size = words[i] < 0 ? -words[i] : words[i] + 0
    number = words[i] ~ /^[-+]?[0-9.]+$/ && $i ~ /^[-+]?[0-9.]+$/
    if (number ? apart > 0.1 * size + 0.03 : $i "" != words[i] "") different(FNR)
  }
}
END {
  if (!failed && (seen != lines || !lines)) different(seen + 1)
  exit failed
}
function different(line) {
  if (!failed) print "line " line " should be: " expected[line] > "/dev/stderr"
  failed = 1
}
