# growth.gp: the cost of one against how many there are. For report.py: a block of data a curve.
width = 940; height = 420
load here.'/style.gp'
set logscale xy
set xlabel 'n' textcolor rgb gray
set xtics ('1' 1, '10' 10, '100' 100, '1,000' 1e3, '10,000' 1e4, '100,000' 1e5, '1,000,000' 1e6)
set format y '%g'
set key outside right center Left reverse
plot for [i = 0:blocks - 1] data index i using 1:2 with linespoints lw 2 pt 7 ps 0.4 \
    lc rgb color[i % 8 + 1] title columnheader(1)
