/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bluetooth.h - the kernel's Bluetooth sockets, as far as we look inside: its
 * include/net/bluetooth, which no header of linux/ has. Ours, because
 * <bluetooth/bluetooth.h> is a package that is not needed for anything else.
 *
 * Private to proto/wire and its tests: it cannot stand beside <bluetooth/...>.
 */
#ifndef SB_WIRE_BLUETOOTH_H
#define SB_WIRE_BLUETOOTH_H

#include <stdint.h>
#include <sys/socket.h>

enum {
	BTPROTO_L2CAP = 0,
	BTPROTO_HCI = 1,
	BTPROTO_SCO = 2,
	BTPROTO_RFCOMM = 3,
};

/* Least significant byte first: the other way round than it is written. */
typedef struct {
	uint8_t b[6];
} bdaddr_t;

struct sockaddr_l2 {
	sa_family_t l2_family;
	uint16_t l2_psm; /* little-endian */
	bdaddr_t l2_bdaddr;
	uint16_t l2_cid; /* little-endian */
	uint8_t l2_bdaddr_type;
};

struct sockaddr_rc {
	sa_family_t rc_family;
	bdaddr_t rc_bdaddr;
	uint8_t rc_channel;
};

struct sockaddr_hci {
	sa_family_t hci_family;
	uint16_t hci_dev;
	uint16_t hci_channel;
};

struct sockaddr_sco {
	sa_family_t sco_family;
	bdaddr_t sco_bdaddr;
};

#define HCI_DEV_NONE 0xffff

/* Levels of options, with the numbers of IPPROTO_IP, TCP, UDP … */
#define SOL_HCI 0
#define SOL_L2CAP 6
#define SOL_SCO 17
#define SOL_RFCOMM 18
#ifndef SOL_BLUETOOTH
#define SOL_BLUETOOTH 274
#endif

#define HCI_DATA_DIR 1
#define HCI_FILTER 2
#define HCI_TIME_STAMP 3
#define L2CAP_OPTIONS 1
#define L2CAP_CONNINFO 2
#define L2CAP_LM 3
#define SCO_OPTIONS 1
#define SCO_CONNINFO 2
#define RFCOMM_CONNINFO 2
#define RFCOMM_LM 3
#define BT_SECURITY 4
#define BT_DEFER_SETUP 7
#define BT_FLUSHABLE 8
#define BT_POWER 9
#define BT_CHANNEL_POLICY 10
#define BT_VOICE 11
#define BT_SNDMTU 12
#define BT_RCVMTU 13
#define BT_PHY 14
#define BT_MODE 15
#define BT_PKT_STATUS 16
#define BT_CODEC 19

/* Types of control messages. */
#define HCI_CMSG_DIR 1
#define HCI_CMSG_TSTAMP 2
#define BT_SCM_PKT_STATUS 3

#endif
