#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""report.py: what a run of the benchmarks found, from the lines of JSON that bench.h describes.

    report.py RESULTS [--json FILE] [--doc FILE] [--plots DIRECTORY] [--cc COMPILER] [--note TEXT]
    report.py --fit RESULTS         the growth curves alone: their exponents

Prints one table: ours, peer, ratio, budget, pass or falls short; writes it as JSON, into the
Markdown file --doc between its markers, and as SVG plots where there is gnuplot. The exponent of a
growth curve is that of the cost of all n: 1 plus the slope of log(cost of one) against log(n), by
least squares over n of 100 and more."""
import argparse
import datetime
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

FIT_FROM = 100
HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    """The rows and the curves of the file at [path], in its order."""
    rows, curves = {}, {}
    try:
        with open(path) as file:
            lines = [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        sys.exit('report: %s: %s: run make bench' % (path, error))
    for line in lines:
        what = line['what']
        if 'n' in line:
            curve = curves.setdefault(what, {'what': what, 'unit': line.get('unit', ''),
                                             'points': {}, 'budget': line.get('budget', 0)})
            curve['points'][line['n']] = line['ours']
        else:
            if what in rows:
                print('report: two lines are called "%s": the second counts' % what)
            rows[what] = line
    return list(rows.values()), list(curves.values())


def judge(rows, curves):
    """Adds the exponents of the curves, and to each that has a budget how it stands."""
    for curve in curves:
        curve['points'] = sorted(curve['points'].items())
        curve['exponent'] = exponent(curve['points'])
        figure = curve['exponent']
        curve['verdict'] = verdict(figure, curve['budget']) if figure is not None else ''
    for row in rows:
        row['verdict'] = verdict(row['ratio'] if row['peer'] else row['ours'], row['budget'])


def verdict(figure, budget):
    return '' if not budget else 'pass' if figure <= budget else 'falls short'


def exponent(points):
    """Of the cost of all; None where two points are not to be had."""
    logs = [(math.log(n), math.log(cost)) for n, cost in points if n >= FIT_FROM and cost > 0]
    if len(logs) < 2:
        return None
    x, y = (sum(column) / len(logs) for column in zip(*logs))
    return 1 + (sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _ in logs))


# ---- The table -----------------------------------------------------------------------------------

def number(value, digits=2):
    return '' if not value else '%.*f' % (digits, value)


def print_table(rows, curves):
    form = '%-52s %10s %10s %7s %7s  %s'
    print(form % ('what', 'ours', 'peer', 'ratio', 'budget', ''))
    for row in rows:
        print((form % (row['what'], '%.2f' % row['ours'], number(row['peer']),
                       number(row['ratio'], 3), '%g' % row['budget'] if row['budget'] else '',
                       row['verdict'])).rstrip())
    print_fits(curves, form)
    verdicts = [thing['verdict'] for thing in rows + curves if thing['verdict']]
    short = verdicts.count('falls short')
    print('\n%d budgets: %d pass, %d %s short' % (len(verdicts), len(verdicts) - short, short,
                                                 'falls' if short == 1 else 'fall'))


def print_fits(curves, form):
    for curve in curves:
        if curve['exponent'] is not None:
            print((form % (curve['what'] + ' (exponent)', '%.3f' % curve['exponent'], '', '',
                           '%g' % curve['budget'] if curve['budget'] else '',
                           curve['verdict'])).rstrip())


# ---- The file ------------------------------------------------------------------------------------

def first_line(*argv):
    try:
        said = subprocess.run(argv, capture_output=True, text=True).stdout
    except OSError:
        return ''
    return said.split('\n')[0]


def machine(cc):
    cpu = platform.processor()
    try:
        with open('/proc/cpuinfo') as file:
            cpu = re.search(r'^model name\s*:\s*(.*)', file.read(), re.M)[1]
    except (OSError, TypeError):
        pass
    return {'cpu': cpu, 'cores': os.cpu_count(), 'machine': platform.machine(),
            'kernel': platform.system() + ' ' + platform.release(),
            'compiler': first_line(*cc.split(), '--version')}


def write_json(path, rows, curves, cc, note):
    report = {'date': datetime.datetime.now().astimezone().isoformat(timespec='seconds'),
              'note': note, 'machine': machine(cc), 'rows': rows, 'curves': curves}
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    with open(path, 'w') as file:
        json.dump(report, file, indent=1)
        file.write('\n')


# ---- The document --------------------------------------------------------------------------------

MARKS = '<!-- figures: written by make bench -->\n', '<!-- end of the figures -->\n'


def write_doc(path, rows, curves, cc):
    """Puts the table between the marks of the file at [path]."""
    with open(path) as file:
        text = file.read()
    if any(text.count(mark) != 1 for mark in MARKS):
        sys.exit('report: %s: it must have the lines %s and %s, once each' % (path, *MARKS))
    about = machine(cc)
    lines = ['%s, %s; %s, %s cores, %s.' % (datetime.date.today(), about['compiler'], about['cpu'],
                                            about['cores'], about['kernel']), '',
             '| what | unit | ours | peer | ratio | budget | |', '|---|---|--:|--:|--:|--:|---|']
    for row in rows:
        lines.append('| %s | %s | %.2f | %s | %s | %s | %s |' % (
            row['what'], row['unit'], row['ours'], number(row['peer']), number(row['ratio'], 3),
            '%g' % row['budget'] if row['budget'] else '', row['verdict']))
    for curve in curves:
        if curve['exponent'] is not None:
            lines.append('| %s (exponent) | | %.3f | | | %s | %s |' % (
                curve['what'], curve['exponent'], '%g' % curve['budget'] if curve['budget'] else '',
                curve['verdict']))
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    with open(path, 'w') as file:
        file.write(before + MARKS[0] + '\n' + '\n'.join(lines) + '\n\n' + MARKS[1] + after)


# ---- The plots -----------------------------------------------------------------------------------

def plot(name, directory, title, blocks):
    """Runs NAME.gp on [blocks], each a title and rows of columns; it writes one SVG."""
    script = name.split('-')[0]
    out = os.path.join(directory, name + '.svg')
    with tempfile.NamedTemporaryFile('w', suffix='.dat') as data:
        for head, lines in blocks:
            data.write('"%s"\n' % head.replace('"', "'"))
            for line in lines:
                data.write(' '.join('"%s"' % item if isinstance(item, str) else '%.6g' % item
                                    for item in line) + '\n')
            data.write('\n\n')
        data.flush()
        words = 'here="%s"; data="%s"; out="%s"; blocks=%d; bars=%d; heading="%s"' % (
            HERE, data.name, out, len(blocks), len(blocks[0][1]), title)
        subprocess.run(['gnuplot', '-e', words, os.path.join(HERE, script + '.gp')], check=True)
    print('report: %s, %d bytes' % (out, os.path.getsize(out)))


def short(what):
    """A curve's name without its area, which has the plot's title."""
    return what.split(': ', 1)[-1]


def plots(directory, rows, curves):
    if not shutil.which('gnuplot'):
        print('report: no gnuplot: no plots')
        return
    os.makedirs(directory, exist_ok=True)
    units = {}
    for curve in curves:
        units.setdefault(curve['unit'], []).append((short(curve['what']), curve['points']))
    for unit in units.keys() - {'bytes'}:
        plot('growth' if unit == 'ns' else 'growth-' + re.sub(r'\W', '', unit), directory,
             '%s of one, when there are n' % unit, units[unit])
    bars = [(row['what'].replace(': ours / ', ' / '), row['ratio']) for row in rows
            if row['unit'] == 'us' and ': ours / ' in row['what']]
    if bars:
        plot('peers', directory, 'CPU of the server for one request: ours / PEER',
             [('', bars[::-1])])
    bars = [(row['what'].split(' / ')[1], row['peer']) for row in rows
            if row['what'].startswith('sleeping task: ours / ')]
    bars += [('Duffel', row['ours']) for row in rows
             if row['what'] == 'sleeping task, struct nap: RSS']
    if bars:
        plot('bytes', directory, 'bytes (RSS) of a sleeping task', [('', bars)])


def main():
    parser = argparse.ArgumentParser(description='what the benchmarks found')
    parser.add_argument('results')
    parser.add_argument('--fit', action='store_true', help='the growth curves alone')
    parser.add_argument('--json', metavar='FILE')
    parser.add_argument('--doc', metavar='FILE')
    parser.add_argument('--plots', metavar='DIRECTORY')
    parser.add_argument('--cc', default='cc')
    parser.add_argument('--note', default='')
    options = parser.parse_args()
    rows, curves = read(options.results)
    judge(rows, curves)
    if options.fit:
        print_fits(curves, '%-56s %8s%.0s%.0s %7s  %s')
        return
    print_table(rows, curves)
    if options.json:
        write_json(options.json, rows, curves, options.cc, options.note)
    if options.doc:
        write_doc(options.doc, rows, curves, options.cc)
    if options.plots:
        plots(options.plots, rows, curves)


main()
