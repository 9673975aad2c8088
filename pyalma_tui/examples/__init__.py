"""Run modules to try and to start from: each folder holds a module, its instances and a batch that lists them."""
