//go:build !go1.24

package truth

type clearSeq struct{}
