# peers.gp: ratios to the peers as bars from 1: to the left, ours costs less. For report.py.
width = 760; height = 90 + 22 * bars
load here.'/style.gp'
unset key
set style fill solid 0.8 noborder
set logscale x
set xrange [0.1:2]
set xtics (0.1, 0.2, 0.5, 0.75, 1, 1.5, 2)
set yrange [-0.8:bars - 0.2]
set arrow from 1, -0.8 to 1, bars - 0.2 nohead lc rgb gray lw 1.5
plot data using 2:0:(1):2:($0 - 0.3):($0 + 0.3):ytic(1) every ::1 with boxxyerror \
        lc rgb color[1], \
    data using ($2 < 1 ? 1.03 : $2 * 1.03):0:(sprintf('%.2f', $2)) every ::1 with labels left \
        textcolor rgb gray
