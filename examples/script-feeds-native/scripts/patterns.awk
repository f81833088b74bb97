# Draws noisy 8×8 patterns, one a line: 64 brightnesses from 0 to 16, then the label.
#   0  horizontal stripe   1  vertical stripe   2  cross   3  frame
# Called with -v each=N -v seed=N. The generator is spelt out because `rand()` differs between awks.
function uniform() {
    state = (state * 16807) % 2147483647
    return state / 2147483647
}

function lit(label, row, column, at) {
    if (label == 0) return row == at || row == at + 1
    if (label == 1) return column == at || column == at + 1
    if (label == 2) return row == at || column == at
    return row == 1 || row == 6 || column == 1 || column == 6
}

BEGIN {
    state = seed * 7919 + 1
    for (n = 0; n < each; n++)
        for (label = 0; label < 4; label++) {
            at = 1 + int(uniform() * 5)
            line = ""
            for (row = 0; row < 8; row++)
                for (column = 0; column < 8; column++) {
                    noise = int(uniform() * 4)
                    line = line (lit(label, row, column, at) ? 16 - noise : noise) ","
                }
            print line label
        }
}
