# SPDX-License-Identifier: BSD-2-Clause
"""sarif.py: findings as SARIF 2.1.0, which forges show beside the lines."""
import json

from .finding import CHECKS

SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json'


def result(found):
    region = {'startLine': found.line, 'startColumn': max(found.column, 1)}
    place = {'artifactLocation': {'uri': found.file}, 'region': region}
    return {'ruleId': found.check, 'level': 'warning', 'message': {'text': found.text},
            'locations': [{'physicalLocation': place}]}


def write(path, findings):
    rules = [{'id': name, 'shortDescription': {'text': text}} for name, text in CHECKS.items()]
    run = {'tool': {'driver': {'name': 'duffel-lint', 'rules': rules}},
           'results': [result(found) for found in findings]}
    with open(path, 'w') as file:
        json.dump({'$schema': SCHEMA, 'version': '2.1.0', 'runs': [run]}, file, indent=1)
        file.write('\n')
