# Counts the words of a file with one word a line, those with at least `shortest` letters.
# Called with -v shortest=N -v out=FILE -v metrics=FILE.
length($0) >= shortest { count[$0]++; kept++ }

END {
    sorted = "LC_ALL=C sort > \"" out "\""
    for (word in count) print word "," count[word] | sorted
    close(sorted)
    for (word in count) different++
    printf "{\"words\": %d, \"different\": %d}\n", kept, different > metrics
}
