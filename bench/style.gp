# style.gp: what the plots share. No background, and middle tones: they read on white and on dark.
gray = '#808080'
set terminal svg size width,height font 'sans-serif,13' noenhanced
set output out
set border lc rgb gray
set tics textcolor rgb gray
set key textcolor rgb gray
set title heading textcolor rgb gray
set grid lc rgb gray lw 0.3
array color[8] = ['#3b82d6', '#d97706', '#2e9e5b', '#d6457a', '#8b6cd9', '#1a9ba8', '#b08900', gray]
