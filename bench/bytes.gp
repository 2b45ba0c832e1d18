# bytes.gp: bytes as bars, longer by powers of ten. For report.py.
width = 760; height = 90 + 32 * bars
load here.'/style.gp'
unset key
set style fill solid 0.8 noborder
set logscale x
set xrange [10:20000]
set yrange [-0.8:bars - 0.2]
plot data using 2:0:(10):2:($0 - 0.3):($0 + 0.3):ytic(1) every ::1 with boxxyerror \
        lc rgb color[1], \
    data using ($2 * 1.1):0:(sprintf('%.0f', $2)) every ::1 with labels left textcolor rgb gray
