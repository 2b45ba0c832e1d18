# SPDX-License-Identifier: BSD-2-Clause
"""duffel-lint: finds in coroutines of Duffel what no compiler sees."""
