package main

// version is what --version prints.
const version = "0.1.0-dev"
