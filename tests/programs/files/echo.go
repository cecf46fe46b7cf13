// SPDX-License-Identifier: Apache-2.0
//
// echo ADDRESS - an ICMP echo by a raw socket, as Go's runtime opens and polls it.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"time"
)

func checksum(data []byte) uint16 {
	sum := uint32(0)
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(data[i])<<8 | uint32(data[i+1])
	}
	return ^uint16(sum>>16 + sum&0xffff)
}

func echo(kind byte) []byte {
	message := append([]byte{kind, 0, 0, 0, 0, 8, 0, 1}, "hello!"...)
	sum := checksum(message)
	message[2], message[3] = byte(sum>>8), byte(sum)
	return message
}

func run() error {
	conn, err := net.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.WriteTo(echo(8), &net.IPAddr{IP: net.ParseIP(os.Args[1])}); err != nil {
		return err
	}
	for buffer := make([]byte, 1500); ; {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return err
		}
		if bytes.Equal(buffer[:n], echo(0)) {
			fmt.Println(from, "echoes hello")
			return nil
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
