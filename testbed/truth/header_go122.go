//go:build go1.22

package truth

// Headers says whether objects over 512 bytes with pointers carry their type.
const Headers = true
