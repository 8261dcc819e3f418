// Command plugin loads the plugin part.so that lies beside it.
package main

import (
	"os"
	"path/filepath"
	"plugin"

	"testbed/truth"
)

var own = map[int]string{}

func main() {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	part, err := plugin.Open(filepath.Join(filepath.Dir(exe), "part.so"))
	if err != nil {
		panic(err)
	}
	fill, err := part.Lookup("Fill")
	if err != nil {
		panic(err)
	}
	fill.(func(int))(10_000)
	for i := 0; i < 1_000; i++ {
		own[i] = "own"
	}
	truth.Map("main.own", own)
	truth.Ready("plugin")
}
