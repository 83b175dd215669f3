/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces in the kernel's tables: what they are, and the entries that next hops name. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>

#include "datapath_private.h"

int device_look(const char *interface, struct device_facts *ret)
{
	struct device_facts facts = { .is_loopback = false };
	struct ifreq request;
	int fd, r = 0;

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	facts.device.ifindex = if_nametoindex(interface);
	if (!facts.device.ifindex || ioctl(fd, SIOCGIFMTU, &request)) {
		r = -errno;
		goto out;
	}
	facts.device.mtu = (unsigned int)request.ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, &request)) {
		r = -errno;
		goto out;
	}
	facts.is_loopback = request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	facts.is_ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(facts.device.mac, request.ifr_hwaddr.sa_data, sizeof(facts.device.mac));
	*ret = facts;
out:
	close(fd);
	return r;
}

void device_driver(const char *interface, char ret[DEVICE_DRIVER_LEN])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ret, DEVICE_DRIVER_LEN, "?");
	if (fd < 0)
		return;
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	request.ifr_data = (char *)&info;
	if (!ioctl(fd, SIOCETHTOOL, &request) && info.driver[0])
		snprintf(ret, DEVICE_DRIVER_LEN, "%.*s", DEVICE_DRIVER_LEN - 1, info.driver);
	close(fd);
}

int datapath_refresh_device(struct datapath *datapath, unsigned int device, const char *interface)
{
	struct serin_device old;
	struct device_facts facts;
	__u32 id = device, holder;
	int r;

	r = device_look(interface, &facts);
	if (r)
		return r;
	/* The interface that had this id before may have another one by now. */
	if (!bpf_map_lookup_elem(MAP_FD(datapath, devices), &id, &old) && old.ifindex &&
	    old.ifindex != facts.device.ifindex &&
	    !bpf_map_lookup_elem(MAP_FD(datapath, device_ids), &old.ifindex, &holder) && holder == id)
		bpf_map_delete_elem(MAP_FD(datapath, device_ids), &old.ifindex);
	if (bpf_map_update_elem(MAP_FD(datapath, devices), &id, &facts.device, BPF_ANY) ||
	    bpf_map_update_elem(MAP_FD(datapath, device_ids), &facts.device.ifindex, &id, BPF_ANY))
		return -errno;
	return 0;
}

void device_forget(struct datapath *datapath, unsigned int ifindex)
{
	const struct serin_device none = { .ifindex = 0 };
	struct serin_device device;
	__u32 id;

	for (id = 0; id < SERIN_MAX_DEVICES; id++)
		if (!bpf_map_lookup_elem(MAP_FD(datapath, devices), &id, &device) && device.ifindex == ifindex)
			bpf_map_update_elem(MAP_FD(datapath, devices), &id, &none, BPF_ANY);
	bpf_map_delete_elem(MAP_FD(datapath, device_ids), &ifindex);
}

size_t device_list(const struct datapath *datapath, unsigned int ret[SERIN_MAX_DEVICES])
{
	struct serin_device device;
	size_t count = 0;
	__u32 id;

	for (id = 0; id < SERIN_MAX_DEVICES; id++)
		if (!bpf_map_lookup_elem(MAP_FD(datapath, devices), &id, &device) && device.ifindex)
			ret[count++] = device.ifindex;
	return count;
}
