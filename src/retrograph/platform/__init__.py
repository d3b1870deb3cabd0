"""What a program needs beside graphs: files, flags, logging, texts, tests."""
