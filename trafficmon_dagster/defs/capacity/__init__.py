"""How many cameras the keys carry, and how many keys cameras need."""
