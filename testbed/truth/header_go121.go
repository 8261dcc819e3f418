//go:build !go1.22

package truth

const hasHeaders = false
