-- Home of the queue that backup jobs go through. What is in it is made by the library that owns it, right after this.

CREATE SCHEMA queue;
