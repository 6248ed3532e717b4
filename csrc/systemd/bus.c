// SPDX-License-Identifier: Apache-2.0
/* The way to the service manager: the message bus, or where none runs the manager's own socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "systemd.h"

#define ADDRESS_MAX 1024

/* Our uid outside of a user namespace, after which the directory of the session is named. */
static unsigned int host_uid(void)
{
	unsigned int inside, outside, count, uid = geteuid();
	FILE *map = fopen("/proc/self/uid_map", "re");

	if (!map)
		return uid;
	while (fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
		if (uid >= inside && uid - inside < count) {
			uid = outside + (uid - inside);
			break;
		}
	fclose(map);
	return uid;
}

/* `unix:path=` with whatever D-Bus does not take as it is escaped. Return: 0 or -ENAMETOOLONG. */
static int to_address(char *address, const char *directory, const char *name)
{
	size_t n = (size_t)sprintf(address, "unix:path=");
	const char *const parts[] = {directory, name};

	for (size_t i = 0; i < 2; i++)
		for (const char *at = parts[i]; *at; at++) {
			if (n + 4 > ADDRESS_MAX)
				return -ENAMETOOLONG;
			if ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
			    (*at >= 'A' && *at <= 'Z') || strchr("-_/.\\*", *at))
				address[n++] = *at;
			else
				n += (size_t)sprintf(address + n, "%%%02x", (unsigned char)*at);
		}
	address[n] = '\0';
	return 0;
}

static int connect_to(const char *address, int is_bus, sd_bus **bus)
{
	int r = sd_bus_new(bus);

	if (r >= 0)
		r = sd_bus_set_address(*bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(*bus, is_bus);
	if (r >= 0)
		r = sd_bus_start(*bus);
	if (r < 0)
		*bus = sd_bus_unref(*bus);
	return r < 0 ? r : 0;
}

static int connect_in(const char *directory, const char *name, int is_bus, sd_bus **bus)
{
	char address[ADDRESS_MAX];
	int r = to_address(address, directory, name);

	return r < 0 ? r : connect_to(address, is_bus, bus);
}

static int open_user(sd_bus **bus)
{
	const char *told = getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *directory = getenv("XDG_RUNTIME_DIR");
	char usual[64];
	int r = -ENOENT;

	snprintf(usual, sizeof(usual), "/run/user/%u", host_uid());
	if (!directory || *directory != '/')
		directory = usual;
	if (told && *told)
		r = connect_to(told, 1, bus);
	if (r < 0)
		r = connect_in(directory, "/bus", 1, bus);
	/* A caller without a session's environment, such as sudo -u or cron. */
	if (r < 0 && strcmp(directory, usual) != 0)
		r = connect_in(usual, "/bus", 1, bus);
	if (r < 0)
		r = connect_in(directory, "/systemd/private", 0, bus);
	return r;
}

int bus_open(const char *which, sd_bus **bus)
{
	int r;

	if (strcmp(which, "user") == 0)
		return open_user(bus);
	r = sd_bus_open_system(bus);
	if (r < 0 && geteuid() == 0)
		r = connect_in("/run/systemd", "/private", 0, bus);
	return r < 0 ? r : 0;
}
