// SPDX-License-Identifier: Apache-2.0
/*
 * tsdock-rootless: runs programs in the namespaces of a user's containers. All commands of a user on one storage share them:
 * a user namespace, where the user is root, and a mount namespace; and a network namespace with the containers' bridges.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rootless.h"

#define MAX_MAPS 64
#define MAX_PROPERTIES 16

static const char usage[] =
	"usage: tsdock-rootless enter --uids MAP... --gids MAP... [--warning TEXT]\n"
	"           [--scope-program TSRUN-SYSTEMD --scope-unit UNIT --scope-property "
	"PROPERTY...]\n"
	"           DIR PROGRAM ARG...\n"
	"       tsdock-rootless network DIR PROGRAM ARG...\n"
	"  enter    run a program as root of the user's namespaces, which are made when they are "
	"not there\n"
	"  network  run a program in there in the network of the containers\n"
	"scope: for the process that holds the namespaces, where systemd runs\n"
	"MAP: INSIDE:OUTSIDE:COUNT, the user's own first; DIR: a directory of the user alone\n";

static const struct option options[] = {
	{"uids", required_argument, NULL, 'u'},
	{"gids", required_argument, NULL, 'g'},
	{"warning", required_argument, NULL, 'w'},
	{"scope-program", required_argument, NULL, 'p'},
	{"scope-unit", required_argument, NULL, 's'},
	{"scope-property", required_argument, NULL, 'o'},
	{0},
};

static int take_options(struct namespaces *n, int argc, char **argv)
{
	static char *uids[MAX_MAPS], *gids[MAX_MAPS], *properties[MAX_PROPERTIES + 1];
	int option, count = 0;

	n->scope.bus = "user";
	n->scope.properties = properties;
	n->maps.uids = uids;
	n->maps.gids = gids;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'u' && n->maps.uid_count < MAX_MAPS)
			uids[n->maps.uid_count++] = optarg;
		else if (option == 'g' && n->maps.gid_count < MAX_MAPS)
			gids[n->maps.gid_count++] = optarg;
		else if (option == 'w')
			n->warning = optarg;
		else if (option == 'p')
			n->scope.program = optarg;
		else if (option == 's')
			n->scope.unit = optarg;
		else if (option == 'o' && count < MAX_PROPERTIES)
			properties[count++] = optarg;
		else
			return -1;
	}
	return n->scope.program && !n->scope.unit ? -1 : 0;
}

/* The holder outlives the command that made it: what `ps` shows of it should not be that. */
static void keep_title(struct namespaces *n, int argc, char **argv)
{
	n->title = argv[0];
	n->title_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
}

int main(int argc, char **argv)
{
	static struct namespaces n;
	static struct err e;
	const char *command = argc > 1 ? argv[1] : "";
	int r;

	if (argc > 0)
		keep_title(&n, argc, argv);
	if (argc < 2 || take_options(&n, argc - 1, argv + 1) < 0 || argc - 1 - optind < 2)
		r = 2;
	else if (argv += 1 + optind, n.directory = argv[0], strcmp(command, "enter") == 0)
		r = rootless_enter(&e, &n);
	else
		r = strcmp(command, "network") == 0 ? rootless_network(&e, argv[0]) : 2;
	if (r == 2) {
		fputs(usage, stderr);
		return 2;
	}
	if (r == 0) {
		execvp(argv[1], argv + 1);
		err_set(&e, errno, "execvp \"%s\"", argv[1]);
	}
	fprintf(stderr, "tsdock: %s\n", e.text);
	return 125;
}
