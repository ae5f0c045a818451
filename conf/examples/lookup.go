// SPDX-License-Identifier: MIT

// Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its own
// status. For a single host there is also GET /host/IP: its response is the "host" below or, if p0f does not
// know the host, a problem document with status 404 and type urn:p0f-lookupd:no-match.
//
//	go run lookup.go 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure; "go run" itself ends with 1
// for either, so build it for that. Needs only Go.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// Item is the outcome for a host: what p0f knows, or the detail that says why there is no host.
type Item struct {
	Query, Detail string
	Status        int
	Host          struct {
		Name   string `json:"os_name"`
		Flavor string `json:"os_flavor"`
	}
}

// lookup asks about all of them at once.
func lookup(url string, ips []string) (items []Item, err error) {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Post(url+"/hosts", "text/plain", strings.NewReader(strings.Join(ips, "\n")))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		problem := Item{Detail: url + ": " + response.Status}
		json.NewDecoder(response.Body).Decode(&problem)
		return nil, errors.New(problem.Detail)
	}
	err = json.NewDecoder(response.Body).Decode(&items)
	return items, err
}

func main() {
	url := os.Getenv("P0F_LOOKUPD_URL")
	if url == "" {
		url = "http://127.0.0.1:5030"
	}
	items, err := lookup(url, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "lookup:", err)
		os.Exit(2)
	}
	worst := 0
	for _, item := range items {
		text := strings.TrimSpace(item.Detail + item.Host.Name + " " + item.Host.Flavor)
		if text == "" {
			text = "unknown OS"
		}
		fmt.Printf("%s: %s\n", item.Query, text)
		if item.Status == http.StatusNotFound && worst == 0 {
			worst = 1
		} else if item.Status != http.StatusOK && item.Status != http.StatusNotFound {
			worst = 2
		}
	}
	os.Exit(worst)
}
