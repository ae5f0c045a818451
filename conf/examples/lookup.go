// SPDX-License-Identifier: MIT

// Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
//
//	go run lookup.go 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only Go 1.18.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var base = "http://127.0.0.1:5030"
var client = http.Client{Timeout: 2 * time.Second}

// Host is what p0f knows, or some of it. What it does not know is empty.
type Host struct {
	Name   string `json:"os_name"`
	Flavor string `json:"os_flavor"`
}

// Item is the outcome for one of several hosts.
type Item struct {
	Query  string
	Status int
	Host   *Host  // if Status is 200
	Detail string // if not
}

// ask reads a response. The answer is nil if p0f does not know the host.
func ask[T any](response *http.Response, err error) (answer T, _ error) {
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	body := json.NewDecoder(response.Body)
	problem := struct{ Type, Detail string }{Detail: base + ": " + response.Status}
	if response.StatusCode == http.StatusOK {
		err = body.Decode(&answer)
	} else if body.Decode(&problem); problem.Type != "urn:p0f-lookupd:no-match" {
		err = errors.New(problem.Detail)
	}
	return answer, err
}

// lookup returns what p0f knows about a host.
func lookup(ip string) (*Host, error) {
	return ask[*Host](client.Get(base + "/host/" + url.PathEscape(ip)))
}

// lookupAll does the same for several.
func lookupAll(ips []string) ([]Item, error) {
	body, _ := json.Marshal(ips)
	return ask[[]Item](client.Post(base+"/hosts", "application/json", bytes.NewReader(body)))
}

func lookupAny(ips []string) ([]Item, error) {
	if len(ips) != 1 {
		return lookupAll(ips)
	}
	item := Item{ips[0], 404, nil, "p0f does not know " + ips[0]}
	host, err := lookup(ips[0])
	if host != nil {
		item = Item{ips[0], 200, host, ""}
	}
	return []Item{item}, err
}

// show prints a line, and returns the exit status.
func (item Item) show() int {
	switch {
	case item.Host == nil:
		fmt.Printf("%s: %s\n", item.Query, item.Detail)
	case item.Host.Name == "":
		fmt.Printf("%s: unknown OS\n", item.Query)
	default:
		fmt.Println(item.Query+":", strings.TrimSpace(item.Host.Name+" "+item.Host.Flavor))
	}
	if status, known := map[int]int{200: 0, 404: 1}[item.Status]; known {
		return status
	}
	return 2
}

func main() {
	if set := os.Getenv("P0F_LOOKUPD_URL"); set != "" {
		base = set
	}
	items, err := lookupAny(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "lookup:", err)
		os.Exit(2)
	}
	worst := 0
	for _, item := range items {
		if status := item.show(); status > worst {
			worst = status
		}
	}
	os.Exit(worst)
}
