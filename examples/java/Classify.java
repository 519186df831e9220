import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Classifies photos over RabbitMQ and prints the JSON result of each.
 *
 * <p>Needs com.rabbitmq:amqp-client and slf4j-api on the class path:
 * {@code java -cp 'amqp-client.jar:slf4j-api.jar' examples/java/Classify.java amqp://user:password@broker:5672/ photo.jpg}
 */
public final class Classify {
    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            System.err.println("usage: java Classify.java BROKER_URL PHOTO...");
            System.exit(2);
        }

        var images = System.getenv().getOrDefault("IMAGES_QUEUE", "fer.images");
        var factory = new ConnectionFactory();
        factory.setUri(arguments[0]);
        try (var connection = factory.newConnection(); var channel = connection.createChannel()) {
            channel.confirmSelect();

            // The broker names the queue (amq.gen-...) and deletes it with this connection. Nodes answer to such names.
            var replies = channel.queueDeclare("", false, true, true, null).getQueue();
            Map<String, String> waiting = new ConcurrentHashMap<>();
            var left = new CountDownLatch(arguments.length - 1);
            channel.basicConsume(replies, true, (tag, delivery) -> {
                var path = waiting.remove(delivery.getProperties().getMessageId());
                if (path != null) { // otherwise a duplicate: a node may have answered twice around a crash
                    System.out.println(path + ": " + new String(delivery.getBody(), StandardCharsets.UTF_8));
                    left.countDown();
                }
            }, tag -> { });

            for (int i = 1; i < arguments.length; i++) {
                var id = UUID.randomUUID().toString();
                waiting.put(id, arguments[i]);
                var properties = new AMQP.BasicProperties.Builder().messageId(id).replyTo(replies).deliveryMode(2).build();
                channel.basicPublish("", images, true, properties, Files.readAllBytes(Path.of(arguments[i])));
            }

            channel.waitForConfirmsOrDie(10_000);
            if (!left.await(60, TimeUnit.SECONDS)) {
                waiting.values().forEach(path -> System.out.println(path + ": no result within 60 seconds; is a node running?"));
                System.exit(1);
            }
        }
    }
}
