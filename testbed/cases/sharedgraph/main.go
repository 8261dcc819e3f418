// Command sharedgraph has objects that a map, a list and fields share.
package main

import (
	"strconv"

	"cases/say"
)

type user struct {
	id   uint64
	name string
	next *user
}

var users = map[string]*user{}

func main() {
	const n = 100_000
	var prev *user
	for i := 0; i < n; i++ {
		k := strconv.Itoa(i)
		u := &user{id: uint64(i), name: k, next: prev}
		if i%4 == 0 {
			prev = u
		}
		users[k] = u
	}
	for i := 0; i < n/9; i++ {
		delete(users, strconv.Itoa(i*9))
	}
	say.Maps(1, len(users), "main.users")
	say.Ready()
}
