// Package token knows the tokens by which viewers and operators are let in, wherever they show them: what is a token, what it
// is worth, and how it is read from a file.
package token
