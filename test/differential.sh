#!/bin/sh
# differential.sh: 300 random programs in C and in Python; and that this notices what is wrong.
cd "$(dirname "$0")" || exit 2
./differential.py --self-test && ./differential.py --programs 300
