# SPDX-License-Identifier: Apache-2.0
# For the scripts here: `wanted NAME [PART...]` says whether a name contains one of the parts; without any, all are wanted.
wanted() {
	name=$1
	shift
	[ $# -gt 0 ] || return 0
	for part; do
		case $name in *"$part"*) return 0 ;; esac
	done
	return 1
}
