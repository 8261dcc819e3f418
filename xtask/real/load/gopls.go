package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// gopls has a file of each of some packages of a module open, $LOAD_MODULE, and is asked about what they declare.
var gopls = program{
	start: func(r *run) (*exec.Cmd, error) {
		cmd := r.command("serve")
		cmd.Dir = os.Getenv("LOAD_MODULE")
		input, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		output, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		e := &editor{root: cmd.Dir, input: input, answers: map[int]chan json.RawMessage{}}
		r.state = e
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		go e.listen(output)
		return cmd, nil
	},
	ready: func(r *run) error {
		e := r.state.(*editor)
		uri := "file://" + e.root
		_, err := e.ask("initialize", map[string]any{"processId": os.Getpid(), "rootUri": uri,
			"workspaceFolders": []any{map[string]any{"uri": uri, "name": "module"}},
			"capabilities":     map[string]any{},
			// The largest packages take gigabytes, and minutes on a small machine.
			"initializationOptions": map[string]any{"directoryFilters": []string{"-server", "-test"}}})
		if err != nil {
			return err
		}
		return e.tell("initialized", map[string]any{})
	},
	workers: 1,
	work: func(r *run, _ int) error {
		e := r.state.(*editor)
		e.files = goFiles(e.root, 8)
		for _, file := range e.files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			document := map[string]any{"uri": "file://" + file, "languageId": "go", "version": 1, "text": string(text)}
			if err := e.tell("textDocument/didOpen", map[string]any{"textDocument": document}); err != nil {
				return err
			}
		}
		for i := 0; i < 40; i++ {
			if err := question(r, i); err != nil {
				return err
			}
		}
		return nil
	},
	goOn: question,
}

// question is mostly about one declaration, and sometimes about the whole module.
func question(r *run, i int) error {
	r.done.Add(1)
	e := r.state.(*editor)
	if i%20 == 19 {
		_, err := e.ask("workspace/symbol", map[string]any{"query": fmt.Sprintf("Head%c", 'a'+rune(i%26))})
		return err
	}
	document := map[string]any{"uri": "file://" + e.files[i%len(e.files)]}
	answer, err := e.ask("textDocument/documentSymbol", map[string]any{"textDocument": document})
	if err != nil {
		return err
	}
	var symbols []struct {
		Location struct{ Range struct{ Start, End any } }
	}
	if err := json.Unmarshal(answer, &symbols); err != nil || len(symbols) == 0 {
		return err
	}
	at := map[string]any{"textDocument": document, "position": symbols[i%len(symbols)].Location.Range.Start}
	if i%5 == 4 {
		at["context"] = map[string]any{"includeDeclaration": true}
		_, err = e.ask("textDocument/references", at)
	} else {
		_, err = e.ask("textDocument/hover", at)
	}
	return err
}

// goFiles are some source files below a directory, the first of each package.
func goFiles(root string, most int) (files []string) {
	last := ""
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || len(files) == most {
			return fs.SkipAll
		}
		isSource := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if isSource && filepath.Dir(path) != last && !entry.IsDir() {
			last = filepath.Dir(path)
			files = append(files, path)
		}
		return nil
	})
	return files
}

// The client's side of the protocol.
type editor struct {
	root  string
	files []string

	mu      sync.Mutex
	input   io.Writer
	last    int
	answers map[int]chan json.RawMessage
}

func (e *editor) send(message map[string]any) error {
	message["jsonrpc"] = "2.0"
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.input, "Content-Length: %d\r\n\r\n%s", len(text), text)
	return err
}

func (e *editor) tell(method string, params any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.send(map[string]any{"method": method, "params": params})
}

func (e *editor) ask(method string, params any) (json.RawMessage, error) {
	e.mu.Lock()
	e.last++
	answer := make(chan json.RawMessage, 1)
	e.answers[e.last] = answer
	err := e.send(map[string]any{"id": e.last, "method": method, "params": params})
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case text := <-answer:
		return text, nil
	case <-time.After(4 * time.Minute):
		return nil, fmt.Errorf("no answer to %s", method)
	}
}

// listen reads what gopls says, and answers what it asks.
func (e *editor) listen(output io.Reader) {
	lines := bufio.NewReader(output)
	for {
		length := 0
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
			_, _ = fmt.Sscanf(line, "Content-Length: %d", &length)
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(lines, text); err != nil {
			return
		}
		var message struct {
			ID     json.RawMessage
			Method string
			Result json.RawMessage
			Params struct{ Items []any }
		}
		if json.Unmarshal(text, &message) != nil {
			continue
		}
		e.mu.Lock()
		if message.Method == "" {
			id := 0
			_ = json.Unmarshal(message.ID, &id)
			if answer := e.answers[id]; answer != nil {
				delete(e.answers, id)
				answer <- message.Result
			}
		} else if message.ID != nil {
			// Its questions about settings get one null for each item, all others null.
			var result any
			if len(message.Params.Items) > 0 {
				result = make([]any, len(message.Params.Items))
			}
			_ = e.send(map[string]any{"id": message.ID, "result": result})
		}
		e.mu.Unlock()
	}
}
